import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { keyInArguments } from '../../src/cli/keyInArguments.js';
import { keyNameIn, namesKey } from '../../src/cli/keyName.js';
import type { Failure } from '../../src/cli/exit.js';
import { readClues } from '../../src/core/keys/search.js';
import { mintToken } from '../../src/core/keys/token.js';
import { ALPHABET } from '../../src/shared/text/checksum.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { answering } from './answering.js';
import { expectGolden } from './golden.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const base62 = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...ALPHABET.split('')),
    minLength: length,
    maxLength: length,
  });

describe('the argument that names a key', () => {
  it('is the ID of a key, or a lookup ID with or without the prefix of its token', () => {
    for (const id of ['key_7Hq2mZ0aV9tR4xYb', 'conf_0123456789abcdef', 'key_1']) expect(keyNameIn(id)).toEqual({ id });
    fc.assert(
      fc.property(base62(16), (lookupId) => {
        for (const text of [lookupId, `lks_live_${lookupId}`, `x9_test_${lookupId}`]) {
          expect([text, keyNameIn(text), namesKey(text)]).toEqual([text, { lookupId }, true]);
        }
      }),
      { seed: 3 },
    );
  });

  it.each([
    ['a prefix as lists show it', 'lks_live_Ab12Cd'],
    ['the beginning of a lookup ID', 'Ab12CdAb12CdAb1'],
    ['a name', 'airflow'],
    ['a name with spaces', 'Airflow production'],
    ['the ID of a user', 'usr_7Hq2mZ0aV9tR4xYb'],
  ])('is a label if it is %s, which several keys can have', (_, text) => {
    expect(keyNameIn(` ${text}`)).toEqual({ label: text });
  });

  it.each(['', ' '])('is refused if it is empty: %j', (text) => {
    expect(() => keyNameIn(text)).toThrow(/^The argument that names the key is empty\. Give the ID/);
  });

  it('is refused, and not repeated, if it contains a part of the secret', () => {
    const { token } = mintToken('sk', 'LIVE');
    fc.assert(
      fc.property(fc.integer({ min: 25, max: token.length }), (length) => {
        const part = token.slice(0, length);
        let error: Failure | null = null;
        try {
          keyNameIn(part);
        } catch (caught) {
          error = caught as Failure;
        }
        expect(error?.message).toContain("contains a part of the key's secret");
        expect(error?.message).not.toContain(part);
        expect([namesKey(part), keyInArguments(['explain', 'f', '--key', part])?.exitCode]).toEqual([false, 2]);
      }),
      { seed: 3 },
    );
  });
});

it('the text that is sent for a lookup ID finds only this lookup ID, even if it looks like a name', async () => {
  const words = fc.constantFrom('findMatchingKeys', 'abcdefghijklmnop', '0123456789012345', 'deadbeefdeadbeef');
  await fc.assert(
    fc.asyncProperty(fc.oneof(base62(16), words), async (lookupId) => {
      const { ids, stored } = await readClues(`lookup ID: ${lookupId}`, () => Promise.resolve([]));
      expect([ids, stored]).toEqual([[], { lookupIds: [lookupId], beginning: null, foreignPrefix: null }]);
    }),
    { seed: 3, numRuns: 300 },
  );
});

describe('commands', () => {
  let service: TestService;
  let env: Record<string, string>;
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-keyName-'));
  const document = join(directory, 'a.graphql');
  beforeAll(async () => {
    service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
    env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
    writeFileSync(document, '{ viewer { scopes } }');
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await service.close();
  });

  it('accept a lookup ID wherever they accept the ID of a key', async () => {
    const { id, token } = await createKey(service, { name: 'Airflow' });
    const lookupId = token.slice(-54, -38);
    await createKey(service, { name: 'Another' });
    for (const args of [
      ['keys', 'show', lookupId],
      ['keys', 'show', token.slice(0, -38)],
      ['keys', 'update', lookupId, '--name', 'Airflow production'],
      ['keys', 'expire', lookupId, '--at', '30d'],
      ['keys', 'rotate', lookupId, '--overlap', '1h'],
      ['keys', 'revoke', lookupId, '--yes'],
      ['usage', lookupId],
      ['explain', document, '--key', lookupId],
      ['audit', 'tail', '--subject', lookupId],
    ]) {
      const { status, stderr, stdout } = await latchkey([...args, '--json'], { env });
      // A revoked key may not run the document.
      expect([args, status, stderr]).toEqual([
        args,
        args[0] === 'explain' ? 1 : 0,
        expect.not.stringContaining('error'),
      ]);
      const { key, entries } = JSON.parse(stdout);
      if (args[1] === 'rotate') expect(key.replaces).toEqual({ id });
      else if (key !== undefined) expect(key.id).toBe(id);
      if (entries === undefined) continue;
      expect(entries.length).toBeGreaterThan(3);
      expect(entries.every(({ subject }: { subject: string }) => subject === id)).toBe(true);
    }
    const own = await latchkey(['audit', 'tail', '--actor', service.adminToken.slice(-54, -38), '--json'], { env });
    expect(JSON.parse(own.stdout).entries.length).toBeGreaterThan(3);
  });

  it('refuse a part of a secret before any request, and say that no key has a lookup ID', async () => {
    const { token } = mintToken('sk', 'LIVE');
    const argument = token.slice(0, 30);
    for (const args of [
      ['keys', 'show', argument],
      ['keys', 'revoke', argument, '--yes'],
      ['usage', argument],
    ]) {
      const { status, stdout, stderr } = await latchkey(args, {
        env: { ...env, LATCHKEY_URL: 'http://127.0.0.1:9/' },
      });
      expect([args, status, stdout]).toEqual([args, 2, '']);
      expectGolden('usage-a-part-of-a-secret-in-place-of-a-key', stderr);
    }
    const none = await latchkey(['keys', 'revoke', token.slice(8, 24), '--yes'], { env });
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('There is no such key')]);
  });

  it('show the IDs for a name or a prefix, and change nothing', async () => {
    const { id, token } = await createKey(service, { name: 'Nightly load' });
    const one = `key: ${id} ("Nightly load", ${token.slice(0, 15)}…, active). Run the command with this ID.`;
    for (const args of [
      ['keys', 'revoke', 'nightly load', '--yes'],
      ['keys', 'rotate', 'Nightly load'],
      ['keys', 'expire', 'Nightly', '--at', 'now'],
      ['keys', 'update', token.slice(0, 15), '--name', 'Another name'],
      ['keys', 'show', 'Nightly load'],
      ['usage', 'Nightly load'],
      ['explain', document, '--key', token.slice(0, 15)],
    ]) {
      const { status, stdout, stderr } = await latchkey(args, { env });
      expect([args, status, stdout, stderr]).toEqual([args, 2, '', expect.stringContaining(one)]);
    }
    await createKey(service, { name: 'Nightly load 2' });
    // The other key only contains the name.
    expect((await latchkey(['keys', 'revoke', 'Nightly load', '--yes'], { env })).stderr).toContain(one);
    const several = await latchkey(['keys', 'revoke', 'Nightly', '--yes'], { env });
    expect(several.stderr).toMatch(
      /It matches 2 keys: key_\w+ \(.*, active\), key_\w+ \(.*, active\)\. Run the command/,
    );
    const { stdout } = await latchkey(['keys', 'list', '--name', 'Nightly', '--json'], { env });
    expect(JSON.parse(stdout).keys).toMatchObject([{ status: 'ACTIVE' }, { status: 'ACTIVE', replacedBy: null, id }]);
    const none = await latchkey(['keys', 'revoke', 'Weekly', '--yes'], { env });
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringContaining('No key has this ID, name or prefix. Give'),
    ]);
  });

  it('send no argument that looks like a token of another system', async () => {
    const args = ['keys', 'revoke', 'ghp_9dK3jf8sLq2mZ0aV9tR4xYbPq7Wn5Tc1Ue6R', '--yes'];
    const { status, stderr } = await latchkey(args, { env: { ...env, LATCHKEY_URL: 'http://127.0.0.1:9/' } });
    expect([status, stderr]).toEqual([2, expect.stringContaining('looks like a token')]);
  });

  it('change nothing if a server finds several keys for a lookup ID', async () => {
    const asked: string[] = [];
    const server = await answering(({ query }) => {
      asked.push(query);
      return { findApiKeys: [{ id: 'key_1' }, { id: 'key_2' }] };
    });
    try {
      const args = ['keys', 'revoke', 'Ab12CdAb12CdAb12', '--yes'];
      const { status, stderr } = await latchkey(args, { env: { ...env, LATCHKEY_URL: server.url } });
      expect([status, stderr]).toEqual([1, '2 keys have this lookup ID. Give the ID of one: key_…\n']);
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatch(/^query/);
    } finally {
      server.close();
    }
  });
});
