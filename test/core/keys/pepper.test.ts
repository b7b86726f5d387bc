import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pepperOfDirectory, Peppers } from '../../../src/core/keys/pepper.js';
import { runFile } from '../../support/child.js';

function peppersOf(...values: string[]): Peppers {
  const peppers = Peppers.of(values);
  if (peppers === null) throw new Error('No peppers.');
  return peppers;
}

const [OLD, NEW] = ['old pepper of a test, long enough', 'new pepper of a test, long enough'];

describe('Peppers', () => {
  it('distinguishes the right secret from a wrong one', () => {
    const peppers = peppersOf(OLD);
    const digest = peppers.digest('right');
    expect(peppers.judge('right', digest)).toBe('match');
    expect(peppers.judge('wrong', digest)).toBe('mismatch');
    expect(peppers.judge('', digest)).toBe('mismatch');
  });

  it('accepts a digest of an older pepper, and creates new ones under the newest', () => {
    const changed = peppersOf(NEW, OLD);
    const before = peppersOf(OLD).digest('right');
    expect(changed.judge('right', before)).toBe('match-old-pepper');
    expect(changed.judge('wrong', before)).toBe('mismatch');
    expect(changed.judge('right', changed.digest('right'))).toBe('match');
    expect(peppersOf(NEW).judge('right', changed.digest('right'))).toBe('match');
  });

  // A changed pepper must not look like a wrong secret, because every key would be refused.
  it('leaves a digest under an unknown pepper undecided, so that bcrypt decides', () => {
    const digest = peppersOf(OLD).digest('right');
    expect(peppersOf(NEW).judge('right', digest)).toBe('undecided');
    expect(Peppers.ephemeral().judge('right', digest)).toBe('undecided');
  });

  it.each(['', '.', 'x', 'x.y.z', '.abc'])('leaves the digest %j undecided', (digest) => {
    expect(peppersOf(OLD).judge('right', digest)).toBe('undecided');
  });

  it('reports a mismatch for a shortened or lengthened digest', () => {
    const digest = peppersOf(OLD).digest('right');
    expect(peppersOf(OLD).judge('right', digest.slice(0, -1))).toBe('mismatch');
    expect(peppersOf(OLD).judge('right', `${digest}A`)).toBe('mismatch');
  });

  it('contains neither the pepper nor the secret in a digest', () => {
    const digest = peppersOf(OLD).digest('a secret of some length');
    expect(digest).toMatch(/^[\w-]{8}\.[\w-]{43}$/);
    expect(digest).not.toContain('secret');
    expect(peppersOf(NEW).digest('a secret of some length')).not.toBe(digest);
  });

  it('returns null without a pepper', () => {
    expect(Peppers.of([])).toBeNull();
  });
});

describe('pepperOfDirectory', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'latchkey-pepper-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('creates a pepper that only its owner can read, and reads it from then on', () => {
    const pepper = pepperOfDirectory(dir);
    expect(Buffer.from(pepper, 'base64url')).toHaveLength(32);
    expect(statSync(join(dir, 'pepper')).mode & 0o777).toBe(0o600);
    expect(pepperOfDirectory(dir)).toBe(pepper);
    expect(readdirSync(dir)).toEqual(['pepper']);
  });

  it('removes the access of others to the file', () => {
    const pepper = pepperOfDirectory(dir);
    chmodSync(join(dir, 'pepper'), 0o644);
    expect(pepperOfDirectory(dir)).toBe(pepper);
    expect(statSync(join(dir, 'pepper')).mode & 0o777).toBe(0o600);
  });

  it('X7: writes nothing to a private file, which may be on a read-only file system', () => {
    const pepper = pepperOfDirectory(dir);
    const changed = statSync(join(dir, 'pepper')).ctimeMs;
    expect(pepperOfDirectory(dir)).toBe(pepper);
    expect(statSync(join(dir, 'pepper')).ctimeMs).toBe(changed);
  });

  it.each(['', 'short\n'])('refuses a file with %j as a pepper and does not change it', (content) => {
    writeFileSync(join(dir, 'pepper'), content);
    expect(() => pepperOfDirectory(dir)).toThrow('which is not a pepper. Restore it');
    expect(readFileSync(join(dir, 'pepper'), 'utf8')).toBe(content);
  });

  it('is the same for processes that start at the same time', async () => {
    const children = Array.from({ length: 4 }, () => runFile('test/core/keys/pepper.worker.ts', { PEPPER_DIR: dir }));
    const peppers = await Promise.all(children.map((child) => child.waitFor(/pepper=(\S+)/)));
    await Promise.all(children.map((child) => child.stop('SIGTERM')));
    expect(new Set(peppers.map(([, pepper]) => pepper)).size).toBe(1);
    expect(readdirSync(dir)).toEqual(['pepper']);
  });
});
