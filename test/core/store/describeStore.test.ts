import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStore } from '../../../src/core/store/open.js';

test('describes a SQLite store by its directory, where its pepper is kept', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-describe-'));
  const described = { name: `SQLite in ${dataDir}`, pepperDirectory: dataDir };
  expect(describeStore({ mongodbUri: null, dataDir })).toEqual({ ...described, missingDirectory: null });
  rmdirSync(dataDir);
  expect(describeStore({ mongodbUri: null, dataDir })).toEqual({ ...described, missingDirectory: dataDir });
});

test('describes a MongoDB store without its address, which can contain a password', () => {
  const described = describeStore({ mongodbUri: 'mongodb://me:secret@db.example/', dataDir: '/nowhere' });
  expect(described).toEqual({ name: 'MongoDB', missingDirectory: null, pepperDirectory: null });
});
