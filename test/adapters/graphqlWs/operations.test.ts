import type { Client } from 'graphql-ws';
import { tierTable } from '../../../src/index.js';
import { until } from '../../support/until.js';
import { listen, results, startOwnSockets, type OwnSockets } from './ownSockets.js';

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

let own: OwnSockets;
let reader: { readonly id: string; readonly token: string };
let client: Client;
beforeAll(async () => {
  own = await startOwnSockets({ ws: { context: () => ({ own: 'mine', principal: 'forged' }) } });
  reader = await own.createKey({ scopes: ['read:orders'] });
  client = own.client(reader.token);
});
afterAll(() => own.close());

/** The errors with which an operation was refused before it ran. */
// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into errors freely.
const refusal = async (query: string, more: object = {}): Promise<any> => {
  const outcome = await results(client, query, more).catch((errors: unknown) => errors);
  expect(outcome).toEqual([expect.objectContaining({ message: expect.any(String) })]);
  return (outcome as { message: string; extensions: object }[])[0];
};

describe('an operation', () => {
  it('runs if the key has its scopes', async () => {
    expect(await results(client, 'query ($n: Boolean = true) { orders @include(if: $n) opening }')).toEqual([
      { data: { orders: ['a', 'b'], opening: '9 to 5' } },
    ]);
  });

  it('is refused before anything runs if the key has not', async () => {
    const { extensions, message } = await refusal('mutation { ship(id: "1") }');
    expect(extensions).toEqual({
      code: 'FORBIDDEN',
      missing: ['write:orders'],
      fields: [{ coordinate: 'Mutation.ship', requires: [['write:orders']] }],
    });
    expect(message).toContain('write:orders');
    expect(own.ran.shipped).toEqual([]);
  });

  it('runs without its denied fields with onDenied: filter', async () => {
    const filtering = await startOwnSockets({ latchkey: { onDenied: 'filter' } });
    try {
      const { token } = await filtering.createKey({ scopes: ['read:users'] });
      const denying = filtering.client(token);
      expect(await results(denying, '{ a: broken opening }')).toEqual([
        {
          data: { a: null, opening: '9 to 5' },
          errors: [
            expect.objectContaining({ path: ['a'], extensions: expect.objectContaining({ code: 'FORBIDDEN' }) }),
          ],
        },
      ]);
      expect(filtering.reported).toEqual([]);
      await expect(results(denying, '{ opening orders }')).rejects.toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ missing: ['read:orders'] }) }),
      ]);
    } finally {
      await filtering.close();
    }
  });

  it('runs as a mutation once', async () => {
    const { token } = await own.createKey();
    expect(await results(own.client(token), 'mutation { ship(id: "7") }')).toEqual([{ data: { ship: '7' } }]);
    expect(own.ran.shipped.splice(0)).toEqual(['7']);
  });

  it('has the context of the option, in which the principal cannot be replaced', async () => {
    expect(await results(client, '{ who }')).toEqual([{ data: { who: `${reader.id} mine` } }]);
  });

  it('shows no message of an unexpected error, which is logged', async () => {
    const [result] = await results(client, '{ broken orders }');
    expect(JSON.stringify(result)).not.toContain('postgres');
    expect(result?.errors?.[0]).toMatchObject({ path: ['broken'], extensions: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(own.reported.splice(0)).toEqual([expect.objectContaining({ message: 'postgres://secret' })]);
  });

  it.each<[string, string, object, string]>([
    ['a document that cannot be parsed', '{ orders', {}, 'GRAPHQL_PARSE_FAILED'],
    ['an invalid document', '{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['a document of more than 700 tokens', `{ ${'a: opening '.repeat(400)} }`, {}, 'GRAPHQL_PARSE_FAILED'],
    ['a document of more than 2,000 lines', `{ ${'\n'.repeat(2_100)} orders }`, {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown operation', 'query A { orders }', { operationName: 'B' }, 'OPERATION_RESOLUTION_FAILURE'],
    ['several operations without a name', 'query A { orders } query B { orders }', {}, 'OPERATION_RESOLUTION_FAILURE'],
  ])('is refused for %s', async (_, query, more, code) => {
    expect((await refusal(query, more)).extensions.code).toBe(code);
  });

  it('with invalid variables reports them, and runs nothing', async () => {
    const [result] = await results(
      client,
      'query ($id: ID!) { orders who @include(if: true) apiKey(id: $id) { id } }',
      {
        variables: {},
      },
    ).catch((errors: unknown) => [{ errors }] as never[]);
    expect(JSON.stringify(result)).toMatch(/FORBIDDEN|BAD_USER_INPUT/);
  });

  it('that only reads the schema is refused or answered like over HTTP', async () => {
    const [result] = await results(client, '{ __schema { queryType { name } } }');
    expect(result).toEqual({ data: { __schema: { queryType: { name: 'Query' } } } });
  });
});

it('introspection shows each key only its part of the schema, and errors have no other names', async () => {
  const scoped = await startOwnSockets({ latchkey: { introspection: 'scoped' } });
  try {
    const { token } = await scoped.createKey({ scopes: ['read:orders'] });
    const narrow = scoped.client(token);
    const [result] = await results(
      narrow,
      '{ orders __type(name: "AuditEntry") { name } __schema { queryType { fields { name } } } }',
    );
    const names = JSON.stringify(result);
    expect(names).toContain('orders');
    expect(names).not.toContain('apiKeys');
    expect(result?.data).toMatchObject({ __type: null });
    const errors = (await results(narrow, '{ apiKeysss }').catch((told: unknown) => told)) as { message: string }[];
    expect(JSON.stringify(errors)).not.toMatch(/Did you mean/);
  } finally {
    await scoped.close();
  }
});

it('each operation is counted, and refused when the limit of the key is reached', async () => {
  const tiers = tierTable({ ANONYMOUS: WIDE, GROWTH: { rate: 3, burst: 3 } });
  const limited = await startOwnSockets({ latchkey: { tiers } });
  try {
    const { token } = await limited.createKey();
    const counted = limited.client(token, { lazy: false });
    for (let i = 0; i < 3; i += 1) await results(counted, '{ orders }');
    const errors = (await results(counted, '{ orders }').catch((told: unknown) => told)) as object[];
    expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', limit: 3 } }]);
    // The key has used up its limit, so it can't open another connection, either.
    expect(await results(limited.client(token), '{ orders }').catch((told: unknown) => told)).toMatchObject({
      code: 4429,
      reason: expect.stringContaining('3 requests'),
    });
  } finally {
    await limited.close();
  }
});

it('failed operations are counted, too', async () => {
  const tiers = tierTable({ ANONYMOUS: WIDE, GROWTH: { rate: 3, burst: 3 } });
  const limited = await startOwnSockets({ latchkey: { tiers } });
  try {
    const { token } = await limited.createKey();
    const counted = limited.client(token, { lazy: false });
    for (let i = 0; i < 3; i += 1) await results(counted, '{ nothing }').catch(() => undefined);
    expect(await results(counted, '{ orders }').catch((told: unknown) => told)).toMatchObject([
      { extensions: { code: 'RATE_LIMITED' } },
    ]);
  } finally {
    await limited.close();
  }
});

it('a connection has a maximum number of running operations, even if the client completes them early', async () => {
  const few = await startOwnSockets({ ws: { maxOperations: 2 } });
  try {
    const { token } = await few.createKey();
    const busy = few.client(token, { lazy: false });
    for (const running of [1, 2]) {
      const { stop } = listen(busy, '{ slow }');
      await until(() => few.ran.finishSlow.length === running);
      stop();
    }
    expect(await results(busy, '{ orders }').catch((told: unknown) => told)).toMatchObject([
      { extensions: { code: 'TOO_MANY_STREAMS', limit: 2 } },
    ]);
    for (const finish of few.ran.finishSlow) finish();
    await until(async () => {
      const again = await results(busy, '{ orders }').catch(() => null);
      return again !== null;
    });
  } finally {
    await few.close();
  }
});

it('a trusted document is the only one that a bound key can run', async () => {
  const { createHash } = await import('node:crypto');
  const trusted = '{ orders }';
  const { token } = await own.createKey({ trustedDocuments: [createHash('sha256').update(trusted).digest('hex')] });
  const bound = own.client(token);
  expect(await results(bound, trusted)).toEqual([{ data: { orders: ['a', 'b'] } }]);
  expect(await results(bound, '{orders}').catch((told: unknown) => told)).toMatchObject([
    { extensions: { code: 'DOCUMENT_NOT_TRUSTED' } },
  ]);
});
