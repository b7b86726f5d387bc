import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFaultOf } from '../../shared/files/makeDirectory.js';
import { FileFault, readTextFile } from '../../shared/files/wholeFile.js';

/** The result of comparing a secret with a stored digest. `undecided`: the digest was made with an unknown pepper. */
type DigestVerdict = 'match' | 'match-old-pepper' | 'mismatch' | 'undecided';

interface Pepper {
  /** Identifies the pepper of a digest, to distinguish a wrong secret from a changed pepper. */
  readonly id: string;
  readonly value: string;
}

/**
 * Peppers, newest first. A digest is `<pepper ID>.<HMAC-SHA-256 of the secret, base64url>`. It is stored after bcrypt has
 * verified the secret, so that later verifications take a microsecond. Without the pepper, the digests of a stolen store
 * are useless.
 */
export class Peppers {
  readonly #peppers: readonly [Pepper, ...Pepper[]];

  private constructor(values: readonly [string, ...string[]]) {
    const [newest, ...older] = values.map((value) => ({
      id: createHmac('sha256', value).update('latchkey pepper id').digest('base64url').slice(0, 8),
      value,
    }));
    if (newest === undefined) throw new TypeError('Peppers needs at least one pepper.');
    this.#peppers = [newest, ...older];
  }

  /** Creates peppers from their values, newest first. @returns null if there are none */
  static of(values: readonly string[]): Peppers | null {
    const [newest, ...older] = values;
    return newest === undefined ? null : new Peppers([newest, ...older]);
  }

  /** Creates a random pepper, for digests that are kept only in the memory of this process. */
  static ephemeral(): Peppers {
    return new Peppers([randomBytes(32).toString('base64url')]);
  }

  /** Returns the digest of a secret under the newest pepper. */
  digest(secret: string): string {
    return digestUnder(this.#peppers[0], secret);
  }

  /** Compares a secret with a digest, in constant time. */
  judge(secret: string, digest: string): DigestVerdict {
    const id = digest.slice(0, digest.indexOf('.'));
    const pepper = this.#peppers.find((candidate) => candidate.id === id);
    if (pepper === undefined) return 'undecided';
    const expected = Buffer.from(digest);
    const actual = Buffer.from(digestUnder(pepper, secret));
    if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return 'mismatch';
    return pepper === this.#peppers[0] ? 'match' : 'match-old-pepper';
  }
}

function digestUnder(pepper: Pepper, secret: string): string {
  return `${pepper.id}.${createHmac('sha256', pepper.value).update(secret).digest('base64url')}`;
}

/**
 * Returns the pepper in the directory of the SQLite store, and creates it at the first start (mode 0600). If processes start
 * at the same time, one creates it and the others read it, because creating a hard link is atomic.
 */
export function pepperOfDirectory(directory: string): string {
  const path = join(directory, 'pepper');
  try {
    return readPepper(path);
  } catch (error) {
    if (!(error instanceof FileFault) || error.code !== 'ENOENT') throw error;
  }
  try {
    makePepper(path);
  } catch (cause) {
    const fault = writeFaultOf(cause);
    // The general remedies don't mention KEY_PEPPER, which makes this file unnecessary.
    throw pepperFault(
      path,
      fault,
      fault.code === 'EACCES'
        ? 'Let this process write it, or set KEY_PEPPER.'
        : fault.remedy.replace(/give another path/i, 'set KEY_PEPPER'),
    );
  }
  return readPepper(path);
}

function makePepper(path: string): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}

function pepperFault(path: string, cause: FileFault, remedy: string): Error {
  return new Error(`DATA_DIR contains the pepper ${path}, which ${cause.message}. ${remedy}`, { cause });
}

/** A generous limit: a generated pepper has 43 characters. */
const MAX_BYTES = 10_000;

function readPepper(path: string): string {
  const value = contentOf(path).trim();
  if (value.length < 32)
    throw new Error(
      `DATA_DIR contains ${path}, which is not a pepper. Restore it from a backup, or remove it: keys keep working and are verified by bcrypt once each.`,
    );
  try {
    keepPrivate(path);
  } catch (cause) {
    const fault = writeFaultOf(cause);
    const remedy =
      fault.code === 'EROFS'
        ? 'Others can read it. Mount its file system for writing, change its mode to 0600, or set KEY_PEPPER.'
        : 'Others can read it. Give it to the user that this process runs as, or set KEY_PEPPER.';
    throw pepperFault(path, fault, remedy);
  }
  return value;
}

/** Removes the access of other users to the file. A file that is private already may be on a read-only file system. */
function keepPrivate(path: string): void {
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
}

/** Reads the file. @throws FileFault if it doesn't exist; otherwise an error that names the file and the remedy */
function contentOf(path: string): string {
  try {
    return readTextFile(path, MAX_BYTES);
  } catch (cause) {
    if (!(cause instanceof FileFault) || cause.code === 'ENOENT') throw cause;
    throw pepperFault(path, cause, 'Restore it from a backup, or let this process read it.');
  }
}
