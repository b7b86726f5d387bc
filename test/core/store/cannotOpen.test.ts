import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { CannotOpen, StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import { cannotOpen } from '../../../src/core/store/mongo/cannotOpen.js';
import { openMongoStore } from '../../../src/core/store/mongo/open.js';
import { openStore } from '../../../src/core/store/open.js';
import { blockThread } from '../../support/blockThread.js';
import { freePort } from '../../support/freePort.js';

const { MongoServerError, MongoParseError } = mongoose.mongo;
const URI = 'mongodb://user:hunter%402@db.example.com:27017,db2.example.com/latchkey?tls=true';

/** An error of the driver as the store passes it on. */
const away = (cause: Error) => new StoreUnavailable(cause);
const answer = (code: number, message: string) => away(new MongoServerError({ message, code }));

test.each<[what: string, cause: Error, message: string]>([
  [
    'a wrong password',
    answer(18, 'Authentication failed.'),
    'does not accept the user name and password. Correct both in',
  ],
  [
    'a wrong password of Atlas',
    answer(8000, 'bad auth'),
    'does not accept the user name and password. Correct both in',
  ],
  [
    'a user without rights',
    answer(13, 'not authorized on latchkey'),
    'needs a user name and password that may read and',
  ],
  [
    'a quota of Atlas that is used up',
    answer(8000, 'you are over your space quota, using 513 MB of 512 MB'),
    'accepts no changes: the storage quota of the store is used up. Delete data that you no longer need, or',
  ],
  [
    'a full disk',
    answer(14_031, 'no space left'),
    'accepts no changes: the disk of the store is full. Free disk space',
  ],
  ['another refusal', answer(26, 'ns not found.'), 'cannot be used: ns not found. Start MongoDB there'],
  ['no answer', away(new Error('timed out')), 'did not answer in time. Start MongoDB there'],
])('N17: %s names MONGODB_URI, its hosts and a remedy', (_, cause, message) => {
  const error = cannotOpen(URI, cause);
  expect(error).toBeInstanceOf(CannotOpen);
  expect(String(error)).toContain(`MONGODB_URI names db.example.com:27017,db2.example.com, which ${message}`);
});

test('N17: no message contains the password, however the driver repeats it', () => {
  for (const text of ['hunter%402', 'hunter@2', 'Invalid: user:hunter%402@db']) {
    for (const cause of [new MongoParseError(text), answer(26, text)]) {
      const message = String(cannotOpen(URI, cause));
      expect(message).toMatch(/MONGODB_URI (is not valid|names \S+, which cannot be used)\. /);
      expect(message).not.toContain('hunter');
    }
  }
  expect(String(cannotOpen('mongodb://user:hunter2@x@host/', new MongoParseError('x')))).not.toMatch(
    /hunter2|valid: x/,
  );
});

test('N17: returns an error that is unrelated to the URI unchanged', () => {
  const cause = new TypeError('our own fault');
  expect(cannotOpen(URI, cause)).toBe(cause);
});

test('N17: the error for a directory keeps its cause, and names DATA_DIR', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  try {
    writeFileSync(join(dir, 'file'), '');
    const opening = openStore({ mongodbUri: null, dataDir: join(dir, 'file') });
    await expect(opening).rejects.toMatchObject({
      name: 'CannotOpen',
      message: `DATA_DIR is "${join(dir, 'file')}", which is a file, not a directory. Give the path of a directory.`,
      cause: { name: 'CannotOpen', cause: { code: 'EEXIST' } },
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('N17: names a refused connection also if the process was too busy to connect in time', async () => {
  const uri = `mongodb://127.0.0.1:${await freePort()}/`;
  const opened = openMongoStore({ uri, timeout: 200 });
  blockThread(400);
  const error: unknown = await opened.catch((reason: unknown) => reason);
  expect(String(cannotOpen(uri, error))).toContain('refuses connections (ECONNREFUSED)');
});
