import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, type Assembly } from '../../../src/assembly/assembly.js';
import { openSqliteStore } from '../../../src/index.js';
import { mintToken } from '../../../src/core/keys/token.js';

/** For servers that don't use the context function. */

let dir: string;
let latchkey: Assembly;
let token: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-authenticate-'));
  latchkey = await assemble({ store: await openSqliteStore({ dir }), bcryptCost: 4 });
  token = latchkey.firstKey?.token ?? '';
});
afterAll(async () => {
  await latchkey.close();
  rmSync(dir, { recursive: true });
});

const fields = (key: string): [string, unknown][] => {
  const authorization = `Bearer ${key}`;
  return [
    ['fields of Node', { authorization }],
    ['Headers of the Fetch API', new Headers({ authorization })],
    ['a Map', new Map([['Authorization', authorization]])],
    ['pairs', [['AUTHORIZATION', authorization]]],
    ['names in capitals', { Authorization: authorization }],
  ];
};
const METHODS = ['authenticate', 'reauthenticate', 'standing'] as const;

describe.each(METHODS)('U1: %s', (method) => {
  const ask = async (headers: unknown): Promise<unknown> => latchkey[method]({ headers } as never);

  it('finds the key in header fields of any form', async () => {
    for (const [form, headers] of fields(token)) {
      expect([form, JSON.stringify(await ask(headers))]).toEqual([form, expect.stringContaining('"kind":"key"')]);
    }
  });

  it('refuses a wrong key in any form, and does not take it for an anonymous caller', async () => {
    for (const [, headers] of fields(mintToken('lks', 'LIVE').token)) {
      await expect(ask(headers)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED', reason: 'unknown' } });
    }
  });

  it.each([[undefined], [null], ['authorization: Bearer a'], [5], [Object.create({ authorization: 'Bearer a' })]])(
    'throws a TypeError that names the fault for the header fields %p',
    async (headers) => {
      await expect(ask(headers)).rejects.toThrow(/^context: headers .*Headers, a Map/);
    },
  );
});
