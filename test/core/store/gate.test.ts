import mongoose from 'mongoose';
import { Unacknowledged } from '../../../src/core/store/storeErrors.js';
import { Gate } from '../../../src/core/store/mongo/gate.js';
import { until } from '../../support/until.js';

const conflict = () => new mongoose.mongo.MongoServerError({ code: 112, message: 'deadlock detected' });

test('repeats a write that failed because of a conflict, and passes on any other error immediately', async () => {
  let sent = 0;
  const write = async (): Promise<string> => {
    sent += 1;
    if (sent < 9) throw conflict();
    return Promise.resolve('done');
  };
  expect(await new Gate(60_000).pass(write)).toBe('done');
  expect(sent).toBe(9);

  let refused = 0;
  const refuse = (): Promise<never> => {
    refused += 1;
    return Promise.reject(new mongoose.mongo.MongoServerError({ code: 13, message: 'not authorized' }));
  };
  await expect(new Gate(60_000).pass(refuse)).rejects.toThrow(Unacknowledged);
  expect(refused).toBe(1);
});

test('stops repeating a conflicting write at the deadline', async () => {
  let sent = 0;
  const write = (): Promise<never> => {
    sent += 1;
    return Promise.reject(conflict());
  };
  await expect(new Gate(200).pass(write)).rejects.toThrow(Unacknowledged);
  expect(sent).toBeGreaterThan(1);
  const before = sent;
  const later = performance.now() + 600;
  await until(() => performance.now() > later);
  expect(sent).toBe(before);
});
