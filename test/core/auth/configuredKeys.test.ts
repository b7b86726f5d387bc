import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { NO_CONFIGURATION } from '../../../src/core/auth/configuration.js';
import { ConfiguredEntry } from '../../../src/core/auth/configuredEntry.js';
import { ConfiguredKeys } from '../../../src/core/auth/configuredKeys.js';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { mintToken } from '../../../src/core/keys/token.js';
import { Roles } from '../../../src/core/scopes/roles.js';

let gate: BcryptGate;
beforeEach(() => void (gate = new BcryptGate({ cost: 4 })));

const entry = (key: string, name = key, roles: string[] = ['viewer']) => new ConfiguredEntry({ key, name, roles });
const load = (entries: ConfiguredEntry[], roles = new Roles()) =>
  ConfiguredKeys.hashed({ ...NO_CONFIGURATION, keys: entries, roles }, gate);

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 120,
});

test('a record has the scopes of all its roles, and an ID that depends only on its name', async () => {
  const roles = new Roles({ analyst: ['read:assets', 'write:events'] });
  const { records } = await load([entry('one', 'a name', ['analyst', 'viewer'])], roles);
  const id = `conf_${createHash('sha256').update('a name').digest('hex').slice(0, 16)}`;
  expect(records).toEqual([
    {
      id,
      familyId: id,
      workspaceId: 'default',
      name: 'a name',
      roles: ['analyst', 'viewer'],
      scopes: ['read:assets', 'write:events', 'read:all'],
      type: 'SECRET',
      environment: 'LIVE',
      createdAt: null,
      expiresAt: null,
      revokedAt: null,
      projectId: null,
      userId: null,
      externalId: null,
      allowedAddresses: [],
      trustedDocuments: null,
      replaces: null,
      replacedBy: null,
    },
  ]);
  expect((await load([entry('two', 'a name')])).records[0]?.id).toBe(id);
});

test('finds the key of each credential, and none for other text', async () => {
  const keys = await load([entry('first'), entry('second'), entry('x'.repeat(256), 'long')]);
  for (const name of ['first', 'second']) expect((await keys.find(name))?.name).toBe(name);
  expect((await keys.find('x'.repeat(256)))?.name).toBe('long');
  for (const wrong of ['', 'First', 'FIRST', 'firs', 'first ', ' first', 'first\0', 'x'.repeat(255), 'x'.repeat(72)]) {
    expect([wrong, await keys.find(wrong)]).toEqual([wrong, null]);
  }
});

test('finds a key only for exactly the same text', async () => {
  await fc.assert(
    fc.asyncProperty(visible, visible, async (key, other) => {
      const keys = await load([entry(key, 'k')]);
      expect((await keys.find(key))?.name).toBe('k');
      // Texts that bcrypt itself would treat as equal: bytes after the 72nd or after a NUL.
      for (const near of [
        other,
        key + other,
        `${key}\0`,
        key.slice(1),
        key.slice(0, 72),
        key.toUpperCase(),
        `${key} `,
      ]) {
        if (near !== key) expect(await keys.find(near)).toBeNull();
      }
    }),
    { numRuns: 30 },
  );
});

test('B43 wrong credentials almost never run bcrypt, with any number of keys', async () => {
  const keys = await load(Array.from({ length: 40 }, (_, i) => entry(`key number ${i}`.replaceAll(' ', '-'))));
  expect(gate.counts).toMatchObject({ hashes: 40, comparisons: 0 });
  for (let i = 0; i < 2_000; i++) expect(await keys.find(`guess-${i}`)).toBeNull();
  // 2,000 guesses at 40 of 2^20 tags: 0.08 runs expected.
  expect(gate.counts.comparisons).toBeLessThan(5);
  expect((await keys.find('key-number-7'))?.name).toBe('key-number-7');
  expect(gate.counts.comparisons).toBeLessThan(7);
});

test('memory contains neither the key nor a plain hash of it', async () => {
  const keys = await load([entry('hunter2-hunter2', 'a name')]);
  const shown = inspect(keys, { depth: Infinity, showHidden: true }) + inspect(entry('hunter2-hunter2', 'a name'));
  const plain = createHash('sha256').update('hunter2-hunter2').digest();
  for (const secret of ['hunter2', plain.toString('base64'), plain.toString('hex')])
    expect(shown).not.toContain(secret);
});

test.each([
  ['is empty. Use a random key, such as one from openssl rand', ''],
  ['white space', 'a b'],
  ['longer than 256', 'x'.repeat(257)],
  ['outside ASCII', 'né'],
  ['a key that Latchkey created', mintToken('lks', 'LIVE').token],
])('refuses a key that is or has: %s', (fault, key) => {
  expect(() => entry(key, 'a name')).toThrow(fault);
});

test('refuses equal names, equal keys, and too many keys', async () => {
  await expect(load([entry('one', 'a'), entry('two', 'a')])).rejects.toThrow('Two configured keys have the name "a"');
  await expect(load([entry('one', 'a'), entry('one', 'b')])).rejects.toThrow('"a" and "b" are the same key');
  await expect(load(Array.from({ length: 201 }, (_, i) => entry(`k${i}`)))).rejects.toThrow('at most 200');
  expect(() => entry('one', '')).toThrow('1 to 100 characters');
});
