import mongoose from 'mongoose';
import { afterFirstWrite, NotWritten, StoreUnavailable, Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { translated } from '../../../src/core/store/mongo/driverErrors.js';

const { MongoServerError } = mongoose.mongo;
const answer = (code: number, message = 'refused at db.example.com', more = {}) =>
  new MongoServerError({ code, message, ...more });
const QUOTA = 'you are over your space quota, using 513 MB of 512 MB';
const NOTHING = { errorLabels: ['NoWritesPerformed'] };

test.each<[what: string, cause: Error, reason: string]>([
  ['OutOfDiskSpace', answer(14_031), 'the disk of the store is full'],
  ['a quota of Atlas', answer(8_000, QUOTA), 'the storage quota of the store is used up'],
  ['UserWritesBlocked', answer(371), 'the store is set to read-only'],
  ['Unauthorized', answer(13), 'the store does not allow this server to write'],
  ['NotWritablePrimary', answer(10_107, 'not primary', NOTHING), 'the store has no primary that accepts changes'],
])(
  'X7: %s on MongoDB: a change was not made, with a reason and a remedy, and a read says neither',
  (_, cause, reason) => {
    const error = translated(cause, {}, true) as NotWritten;
    expect(error).toBeInstanceOf(NotWritten);
    expect(error).toMatchObject({ reason, cause });
    expect(error.remedy).toMatch(/^[A-Z].+\.$/);
    expect(`${error.message} ${error.reason} ${error.remedy}`).not.toMatch(/example|513/);
    const read = translated(cause, {}, false);
    expect(read).toBeInstanceOf(StoreUnavailable);
    expect(read).not.toBeInstanceOf(NotWritten);
  },
);

test.each<[what: string, cause: Error]>([
  ['another error of Atlas', answer(8_000, 'bad auth')],
  ['a write that was interrupted by an election', answer(11_602)],
  ['a server that is no longer the primary, and may have been during the first attempt', answer(10_107, 'not primary')],
  [
    'one of several writes',
    new mongoose.mongo.MongoBulkWriteError(
      { message: 'no space', code: 14_031, writeErrors: [] },
      {} as mongoose.mongo.BulkWriteResult,
    ),
  ],
])('X7: of %s it is not known whether it was made', (_, cause) => {
  const error = translated(cause, {}, true);
  expect(error).toBeInstanceOf(Unacknowledged);
  expect(error).not.toBeInstanceOf(NotWritten);
});

test('X7: after the first write of a change, a refusal no longer means that the change was not made', async () => {
  const refused = new NotWritten(answer(14_031), 'the disk of the store is full', 'Free disk space.');
  const after = afterFirstWrite(() => Promise.reject(refused));
  await expect(after).rejects.toMatchObject({ reason: refused.reason, remedy: refused.remedy, cause: refused.cause });
  await expect(after).rejects.toBeInstanceOf(Unacknowledged);
  const other = new Unacknowledged(new Error('No answer.'));
  await expect(afterFirstWrite(() => Promise.reject(other))).rejects.toBe(other);
  expect(await afterFirstWrite(() => Promise.resolve(7))).toBe(7);
});
