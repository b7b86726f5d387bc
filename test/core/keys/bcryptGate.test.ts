import { availableParallelism } from 'node:os';
import { jest } from '@jest/globals';
import bcrypt from 'bcrypt';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';

const CORES = availableParallelism();

const fast = (maxWaiting?: number): BcryptGate =>
  new BcryptGate({ cost: 4, ...(maxWaiting !== undefined && { maxWaiting }) });

test('hashes and compares, and counts both', async () => {
  const gate = fast();
  const hash = await gate.hash('right');
  expect(hash).toMatch(/^\$2b\$04\$/);
  expect(await gate.compare('right', hash)).toBe(true);
  expect(await gate.compare('wrong', hash)).toBe(false);
  expect(gate.counts).toEqual({ hashes: 1, comparisons: 2, shed: 0, waiting: 0 });
});

// Okta, October 2024: bytes after the 72nd are not compared, so any ending matches.
describe('refuses secrets that bcrypt would truncate at 72 bytes', () => {
  it.each([
    ['73 letters', 'a'.repeat(73)],
    ['37 letters of two bytes', 'é'.repeat(37)],
    ['19 of four bytes', '😀'.repeat(19)],
  ])('%s', async (_, secret) => {
    const gate = fast();
    const hash = await gate.hash('x');
    await expect(gate.hash(secret)).rejects.toThrow(RangeError);
    await expect(gate.compare(secret, hash)).rejects.toThrow('72 bytes');
    expect(gate.counts).toEqual({ hashes: 1, comparisons: 0, shed: 0, waiting: 0 });
  });

  it('accepts exactly 72 bytes and compares the last one', async () => {
    const gate = fast();
    const hash = await gate.hash('é'.repeat(36));
    expect(await gate.compare('é'.repeat(36), hash)).toBe(true);
    expect(await gate.compare('é'.repeat(35) + 'è', hash)).toBe(false);
  });
});

test('runs at most one hash per core at a time', async () => {
  const gate = fast();
  let ended = 0;
  let most = 0;
  const look = (): void => void (most = Math.max(most, gate.counts.hashes - ended));
  const watch = setInterval(look, 0);
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      await gate.hash('x');
      // Checked before the gate starts the next run, so these runs have started but not ended.
      look();
      ended += 1;
    }),
  );
  clearInterval(watch);
  expect(ended).toBe(40);
  expect(most).toBeGreaterThanOrEqual(1);
  expect(most).toBeLessThanOrEqual(CORES + 1);
});

test('refuses work with UNAVAILABLE if the queue is full, and completes the rest', async () => {
  const gate = fast(3);
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => gate.hash('x', `owner ${i}`)));
  const served = outcomes.filter(({ status }) => status === 'fulfilled').length;
  const shed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(served).toBe(CORES + 3);
  expect(shed).toHaveLength(50 - CORES - 3);
  for (const refusal of shed) expect(refusal.extensions).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
  expect(gate.counts.shed).toBe(shed.length);
  // The queue is empty again.
  expect(await gate.hash('x')).toMatch(/^\$2b/);
});

test('passes an error of bcrypt on and continues', async () => {
  const gate = fast();
  await expect(gate.compare('x', undefined as unknown as string)).rejects.toThrow();
  expect(gate.counts.shed).toBe(0);
  expect(await gate.hash('x')).toMatch(/^\$2b/);
});

test.each([3, 16, 10.5, Number.NaN])('refuses the cost %p immediately', (cost) => {
  expect(() => new BcryptGate({ cost })).toThrow('cost must be a whole number from 4 to 15');
});

describe('R6: workspaces take turns', () => {
  /** The secrets in the order in which bcrypt began with them. When it ends with them depends on the threads. */
  let begun: unknown[];
  beforeEach(() => {
    begun = [];
    const { hash, compare } = bcrypt;
    jest.spyOn(bcrypt, 'hash').mockImplementation((secret, salt) => (begun.push(secret), hash(secret, salt)));
    jest.spyOn(bcrypt, 'compare').mockImplementation((secret, of) => (begun.push(secret), compare(secret, of)));
  });
  afterEach(() => jest.restoreAllMocks());

  it('so many creations of one workspace delay neither creations nor checks of another', async () => {
    const gate = fast();
    const hash = await gate.hash('x');
    begun = [];
    const flood = Array.from({ length: 60 }, () => gate.hash('busy', 'busy'));
    await Promise.all([gate.hash('quiet', 'quiet'), gate.compare('check', hash, 'quiet')]);
    // After the runs in progress.
    expect(begun.slice(CORES, CORES + 3)).toEqual(['check', 'busy', 'quiet']);
    await Promise.all(flood);
    expect(gate.counts).toEqual({ hashes: 62, comparisons: 1, shed: 0, waiting: 0 });
  });

  it('so a workspace that fills the queue takes no place from another', async () => {
    const gate = fast(10);
    const flood = Promise.allSettled(Array.from({ length: 100 }, () => gate.hash('x', 'busy')));
    const quiet = await Promise.allSettled(Array.from({ length: 2 }, () => gate.hash('x', 'quiet')));
    expect(quiet.map(({ status }) => status)).toEqual(Array(2).fill('fulfilled'));
    const served = (await flood).filter(({ status }) => status === 'fulfilled');
    // A quarter of the ten places.
    expect(served).toHaveLength(CORES + 2);
    expect(gate.counts).toMatchObject({ shed: 98 - CORES, waiting: 0 });
  });

  it("lets 64 of 90 concurrent creations of one workspace wait, refuses the rest, and runs another workspace's creation second", async () => {
    const gate = fast();
    const flood = Promise.allSettled(Array.from({ length: 90 }, () => gate.hash('busy', 'busy')));
    expect(gate.counts.waiting).toBe(64);
    const quiet = gate.hash('quiet', 'quiet');
    expect(gate.counts.waiting).toBe(65);
    await quiet;
    // After the runs in progress.
    expect(begun.slice(CORES, CORES + 2)).toEqual(['busy', 'quiet']);
    const refused = (await flood).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toHaveLength(90 - 64 - CORES);
    for (const refusal of refused) {
      expect(refusal.message).toContain('keys of this workspace');
      expect(refusal.extensions).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
    }
  });
});
