import { jest } from '@jest/globals';
import { authenticated, type AuthenticatedPrincipal } from '../../../src/core/auth/principal.js';
import type { Standing } from '../../../src/core/auth/standing.js';
import { StoreStates } from '../../../src/core/auth/storeState.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { Credentials } from '../../../src/core/streams/credentials.js';
import type { Reliant, WatchedCredential } from '../../../src/core/streams/watchedCredential.js';

const holder = (keyId: string, workspaceId = 'ws'): AuthenticatedPrincipal =>
  authenticated({
    kind: 'key',
    keyId,
    familyId: keyId,
    workspaceId,
    projectId: null,
    userId: null,
    tier: 'GROWTH',
    keyType: 'SECRET',
    scopes: ['read:assets'],
  });

interface Watched {
  readonly credential: WatchedCredential;
  readonly asked: () => number;
  readonly judged: () => number;
  readonly ended: () => unknown;
  answer: () => Standing | Promise<Standing>;
}

let time = 0;
let credentials: Credentials;
beforeEach(() => {
  time = 1_000;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance', 'nextTick', 'queueMicrotask', 'Date'] });
  credentials = new Credentials({ now: () => time, clock: () => time });
});
afterEach(() => {
  jest.useRealTimers();
});

const standing = (principal: AuthenticatedPrincipal, more: Partial<Standing> = {}): Standing => ({
  principal,
  lookupId: `lookup ${principal.keyId}`,
  countsFor: 1_000,
  expiresAt: null,
  ...more,
});

function watch(keyId: string, workspaceId = 'ws', more: Partial<Standing> = {}): Watched {
  let [asked, judged, ended]: [number, number, unknown] = [0, 0, null];
  const watched: Watched = {
    credential: null as never,
    asked: () => asked,
    judged: () => judged,
    ended: () => ended,
    answer: () => standing(holder(keyId, workspaceId), more),
  };
  const { credential } = credentials.watch(keyId, holder(keyId, workspaceId), () => {
    asked += 1;
    return watched.answer();
  });
  const stream: Reliant = { judged: () => void (judged += 1), end: (error) => (ended = error) };
  credential.add(stream);
  void credential.settle();
  return Object.assign(watched, { credential });
}

const pass = (ms: number): void => {
  time += ms;
  jest.advanceTimersByTime(ms);
};

test('R3: renews a result when it expires, and not before', () => {
  const watched = watch('a');
  pass(990);
  expect(watched.asked()).toBe(1);
  pass(20);
  expect(watched.asked()).toBe(2);
  for (let i = 0; i < 10; i += 1) pass(1_002);
  expect(watched.asked()).toBe(12);
});

test('R3: checks a credential again when it expires, even if its record is still cached', () => {
  const watched = watch('a', 'ws', { countsFor: 60_000, expiresAt: 6_000 });
  pass(4_990);
  expect([watched.asked(), watched.credential.counts]).toEqual([1, true]);
  watched.answer = () => {
    throw new Refusal('It has expired.', { code: 'UNAUTHENTICATED', reason: 'expired' });
  };
  time = 6_000;
  expect(watched.credential.counts).toBe(false);
  jest.advanceTimersByTime(12);
  time = 6_002;
  jest.advanceTimersByTime(2);
  expect([watched.asked(), watched.ended()]).toEqual([2, expect.any(Refusal)]);
});

test('R3: if every request reads the store, checks a quiet stream four times a second', () => {
  const watched = watch('a', 'ws', { countsFor: 0 });
  for (let i = 0; i < 1_000; i += 1) pass(1);
  expect(watched.asked()).toBeGreaterThanOrEqual(4);
  expect(watched.asked()).toBeLessThanOrEqual(6);
});

test('R3: a change causes a check of the credentials that it may affect', () => {
  const [a, b, other] = [watch('a'), watch('b'), watch('c', 'other')];
  const asked = () => [a, b, other].map((watched) => watched.asked());
  credentials.judge({ kind: 'key', lookupId: 'lookup a' });
  expect(asked()).toEqual([2, 1, 1]);
  credentials.judge({ kind: 'workspace', workspaceId: 'ws' });
  expect(asked()).toEqual([3, 2, 1]);
  credentials.judge(null);
  expect(asked()).toEqual([4, 3, 2]);
  credentials.judge({ kind: 'key', lookupId: 'lookup of nobody' });
  expect(asked()).toEqual([4, 3, 2]);
});

test('R3: a change that affects thousands marks all at once and reads the store in turns', async () => {
  const many = Array.from({ length: 500 }, (_, i) => watch(`key ${i}`));
  credentials.judge(null);
  const asked = () => many.filter((watched) => watched.asked() === 2).length;
  expect(asked()).toBeLessThanOrEqual(100);
  expect(many.filter(({ credential }) => credential.isDoubted).length).toBe(500 - asked());
  const before = asked();
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked()).toBeGreaterThan(before);
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(asked()).toBe(500);
});

test('R3: does not use data that was read before a change', async () => {
  const watched = watch('a');
  const answers: ((standing: Standing) => void)[] = [];
  watched.answer = () => new Promise((resolve) => answers.push(resolve));
  credentials.judge(null);
  credentials.judge(null);
  expect(answers).toHaveLength(1);
  answers[0]?.(standing(holder('a')));
  await new Promise((resolve) => setImmediate(resolve));
  expect([answers.length, watched.credential.counts]).toEqual([2, false]);
  answers[1]?.(standing(holder('a')));
  await new Promise((resolve) => setImmediate(resolve));
  expect(watched.credential.counts).toBe(true);
});

test('R3: a credential that now belongs to another workspace or project ends its streams', () => {
  const watched = watch('a');
  watched.answer = () => standing(holder('a', 'other'));
  credentials.judge(null);
  expect(watched.ended()).toMatchObject({ details: { code: 'UNAVAILABLE' } });
  expect(watched.credential.counts).toBe(false);
});

describe('if the store has a version', () => {
  const SECOND = 1_000;
  /** A store whose states are valid for a second after each check. */
  const openStates = () => {
    const store = { version: 1, asked: 0 };
    const states = new StoreStates({
      ttl: SECOND,
      clock: () => time,
      version: () => {
        store.asked += 1;
        return store.version;
      },
    });
    return { store, states };
  };
  const watchMany = (states: StoreStates): readonly Watched[] =>
    Array.from({ length: 200 }, (_, i) => {
      const watched = watch(`key ${i}`, 'ws', { state: states.current() });
      watched.answer = () => standing(holder(`key ${i}`), { state: states.current() });
      return watched;
    });
  const turns = async () => {
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  test('one check a second renews all quiet streams', () => {
    const { store, states } = openStates();
    const many = watchMany(states);
    for (let i = 0; i < 60; i += 1) pass(SECOND);
    expect(many.map((watched) => watched.asked())).toEqual(many.map(() => 1));
    expect(many.every(({ credential }) => credential.counts)).toBe(true);
    expect(store.asked).toBeLessThanOrEqual(61);
  });

  test('a change of any record causes a check of all within a second', async () => {
    const { store, states } = openStates();
    const many = watchMany(states);
    pass(5 * SECOND);
    store.version += 1;
    pass(SECOND + 5);
    expect(many.some(({ credential }) => credential.counts)).toBe(true);
    await turns();
    expect(many.map((watched) => watched.asked())).toEqual(many.map(() => 2));
    for (let i = 0; i < 10; i += 1) pass(SECOND);
    expect(many.map((watched) => watched.asked())).toEqual(many.map(() => 2));
  });

  test('an announced change and the end of a credential are still noticed at once', () => {
    const { states } = openStates();
    const [announced, ending] = [watch('a'), watch('b')];
    announced.answer = () => standing(holder('a'), { state: states.current() });
    ending.answer = () => standing(holder('b'), { state: states.current(), expiresAt: time + 5_500 });
    credentials.judge(null);
    pass(3 * SECOND);
    expect([announced.asked(), ending.asked()]).toEqual([2, 2]);
    announced.answer = () => {
      throw new Refusal('It was revoked.', { code: 'UNAUTHENTICATED', reason: 'revoked' });
    };
    credentials.judge({ kind: 'key', lookupId: 'lookup a' });
    expect([announced.asked(), announced.ended(), announced.credential.counts]).toEqual([
      3,
      expect.any(Refusal),
      false,
    ]);
    pass(2_400);
    expect([ending.asked(), ending.credential.counts]).toEqual([2, true]);
    pass(200);
    expect(ending.asked()).toBe(3);
  });

  test('records the use of a key at least every ten minutes', () => {
    const { states } = openStates();
    const [one] = watchMany(states);
    for (let i = 0; i < 601; i += 1) pass(SECOND);
    expect(one?.asked()).toBe(2);
  });
});
