import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Callbacks } from '../../src/shared/callbacks.js';
import { createClient } from '../../src/client/index.js';
import { Limiter, tierTable, type LatchkeyOptions, type Limits, type Observer } from '../../src/index.js';
import { UNOBSERVED } from '../../src/core/observer/observer.js';
import { startOwnApollo, type OwnApollo } from '../e2e/ownApollo.js';
import { apolloOptions } from '../../src/adapters/apollo/apolloOptions.js';

/** The ways in which a function that a user passes can fail. */
const FAULTS: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('theirs');
  },
  rejects: () => Promise.reject(new Error('theirs')),
  'throws no Error': () => {
    // oxlint-disable-next-line typescript/only-throw-error
    throw Symbol('theirs');
  },
  'returns a thenable that throws': () => ({
    then() {
      throw new Error('theirs');
    },
  }),
};

const TYPES = { typeDefs: 'extend type Query { orders: [String!]! @auth(scope: "read:orders") boom: Int @public }' };
const WIDE = { rate: 1_000_000, burst: 1_000_000 };
const TABLE = tierTable({ ANONYMOUS: WIDE, GROWTH: WIDE });

let ran = 0;
let own: OwnApollo | null = null;
let printed: jest.SpiedFunction<typeof console.error>;
beforeEach(() => {
  ran = 0;
  printed = jest.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  await own?.close();
  own = null;
  printed.mockRestore();
});

async function start(latchkey: Partial<LatchkeyOptions>, apollo = {}): Promise<OwnApollo> {
  own = await startOwnApollo({
    ...TYPES,
    latchkey,
    resolvers: {
      Query: {
        orders: () => {
          ran += 1;
          return ['A'];
        },
        boom() {
          throw new Error('of a resolver');
        },
      },
    },
    apollo: (of, { schema, logger }) => apolloOptions(of, { schema, logger, ...apollo }),
  });
  return own;
}

interface Created {
  readonly createApiKey: { readonly token: string; readonly apiKey: { readonly id: string } };
}

/** Sends requests that change keys, use them and are refused, and returns the responses. */
async function everything(service: OwnApollo): Promise<unknown[]> {
  const { latchkey } = service;
  const query: OwnApollo['query'] = (...given) => service.query(...given);
  const created = await query(
    'mutation { createApiKey(input: { name: "n", scopes: ["read:orders"] }) { token apiKey { id } } }',
  );
  const { token, apiKey } = (created.body.data as unknown as Created).createApiKey;
  const used = await query('{ orders }', { token });
  const at = { headers: { authorization: `Bearer ${token}` }, rawHeaders: ['authorization', `Bearer ${token}`] };
  const elsewhere = await latchkey.context({ req: { ...at, socket: { remoteAddress: '192.0.2.7' } } });
  const refused = await query('{ apiKeys { totalCount } }', { token });
  const hidden = await query('{ boom }', { token });
  const revoked = await query(`mutation { revokeApiKey(input: { id: "${apiKey.id}" }) { apiKey { status } } }`);
  const after = await query('{ orders }', { token });
  // Unhandled rejections end the process, and this test.
  await turn();
  return [
    ...[created, used, refused, hidden, revoked, after].map(({ status }) => status),
    elsewhere.principal.kind,
    revoked.body.data,
    after.body.errors?.[0]?.extensions?.code,
    ran,
  ];
}

const RIGHT = [
  ...[200, 200, 403, 200, 200, 401, 'key'],
  { revokeApiKey: { apiKey: { status: 'REVOKED' } } },
  'UNAUTHENTICATED',
  1,
];

/** Each option of createLatchkey whose result is ignored, with a function that fails. */
const options: Readonly<Record<string, (fail: () => unknown) => Partial<LatchkeyOptions>>> = {
  onKeyEvent: (fail) => ({ onKeyEvent: fail }),
  log: (fail) => ({ log: fail }),
  observer: (fail) => ({
    observer: Object.fromEntries(Object.keys(UNOBSERVED).map((name) => [name, fail])) as unknown as Observer,
  }),
  changes: (fail) => ({ changes: { publish: fail, subscribe: fail } }),
};
const MOST = ['throws', 'rejects'];
const cases = Object.keys(options).flatMap((option) => MOST.map((fault) => [option, fault] as const));

test.each(cases)('U1: %s that %s changes no response, and is reported', async (option, fault) => {
  const logged: unknown[] = [];
  const given = options[option]?.(FAULTS[fault] as () => unknown) ?? {};
  const service = await start({ log: (error) => void logged.push(error), ...given });
  expect(await everything(service)).toEqual(RIGHT);
  const told = option === 'log' ? printed.mock.calls.map(([error]) => error as unknown) : logged;
  const names = told.map(String).filter((text) => text.includes('failed: '));
  expect(names).toHaveLength(1);
  expect(names[0]).toMatch(new RegExp(`^Error: createLatchkey: ${option}(\\.\\w+)? failed: `));
});

test.each(MOST)(
  'U1: a listener of onChange that %s changes no response, and other listeners are called',
  async (fault) => {
    const service = await start({});
    const heard: unknown[] = [];
    service.latchkey.onChange(FAULTS[fault] as () => never);
    service.latchkey.onChange((change) => void heard.push(change?.kind));
    expect(await everything(service)).toEqual(RIGHT);
    expect(heard).toEqual(['key']);
    expect(String(printed.mock.calls[0]?.[0])).toMatch(/^Error: createLatchkey: onChange failed: /);
    expect(() => service.latchkey.onChange(null as never)).toThrow(
      /^onChange: listener is null\. Allowed: a function\.$/,
    );
  },
);

test.each(MOST)('U1: with a formatError that %s, callers get the error of Latchkey', async (fault) => {
  const formatError = FAULTS[fault] as () => never;
  const service = await start({}, { formatError });
  expect(await everything(service)).toEqual(RIGHT);
  expect(String(printed.mock.calls[0]?.[0])).toMatch(/^Error: apolloOptions: formatError failed: /);
});

/** Invalid results of `admit`. */
const UNCOUNTED: readonly unknown[] = [
  ...[undefined, null, true, 'admitted', {}, { outcome: 'admitted' }, { outcome: 'ADMITTED' }],
  { outcome: 'admitted', limits: TABLE.GROWTH, room: {} },
  { outcome: 'refused', limits: TABLE.GROWTH, room: new Limiter().peek({ family: 'f', tier: 'GROWTH' }) },
];

function limitsOf(methods: object): Limits {
  const limiter = new Limiter({ tiers: TABLE });
  return {
    tiers: TABLE,
    admit: (...given) => limiter.admit(...given),
    peek: (subject) => limiter.peek(subject),
    close: () => limiter.close(),
    ...methods,
  };
}

test.each([false, true])('U1: an invalid admission refuses the request (later: %s)', async (isLater) => {
  let result: unknown;
  const logged: string[] = [];
  const service = await start({
    tiers: undefined,
    limits: limitsOf({ admit: () => (isLater ? Promise.resolve(result) : result) }),
    log: (error: unknown) => void logged.push(String(error)),
  } as never);
  for (result of UNCOUNTED) {
    const answer = await service.query('{ orders }');
    expect([answer.status, answer.body.errors?.[0]?.extensions?.code]).toEqual([503, 'UNAVAILABLE']);
  }
  expect(ran).toBe(0);
  expect(logged).toHaveLength(UNCOUNTED.length);
  for (const text of logged) {
    expect(text).toMatch(
      /^TypeError: createLatchkey: limits\.admit: its result is .+ Allowed: \{ outcome: "admitted", /,
    );
  }
});

test('U1: refuses the request if admit of the limits fails', async () => {
  let fail: () => unknown = () => undefined;
  const service = await start({ tiers: undefined, limits: limitsOf({ admit: () => fail() }) } as never);
  for (fail of Object.values(FAULTS)) {
    const answer = await service.query('{ orders }');
    expect([answer.status, answer.body.errors?.[0]?.extensions?.code, ran]).toEqual([503, 'UNAVAILABLE', 0]);
  }
});

test('U1: accepts limits of a user, and refuses requests if their peek is invalid', async () => {
  const right = await start({ tiers: undefined, limits: limitsOf({}) } as never);
  expect((await right.query('{ orders }')).status).toBe(200);
  await right.close();
  const wrong = await start({ tiers: undefined, limits: limitsOf({ peek: () => ({ rate: 1 }) }) } as never);
  expect((await wrong.query('{ orders }')).status).toBe(503);
  expect(ran).toBe(1);
});

test('U1: reports a fault once in ten seconds for each option', () => {
  let now = 0;
  const told: string[] = [];
  const callbacks = new Callbacks(
    'createX',
    (fault) => told.push(fault.message),
    () => now,
  );
  const fail = FAULTS.throws as () => never;
  for (now = 0; now < 20_000; now += 1_000) {
    callbacks.call('a.first', fail);
    callbacks.call('a.second', fail);
    callbacks.contain('b', fail)();
  }
  expect(told).toEqual([
    'createX: a.first failed: theirs',
    'createX: b failed: theirs',
    'createX: a.first failed: theirs',
    'createX: b failed: theirs',
  ]);
});

test.each(Object.keys(FAULTS))('U1: a function that %s is contained', async (fault) => {
  const told: Error[] = [];
  const callbacks = new Callbacks('createX', (error) => void told.push(error));
  callbacks.contain('a', FAULTS[fault] as () => unknown)();
  await turn();
  expect(told.map(({ message }) => message.split(': ').slice(0, 2))).toEqual([['createX', 'a failed']]);
});

test('U1: replaces and reports an invalid result of a function', async () => {
  const told: string[] = [];
  const callbacks = new Callbacks('createX', (fault) => told.push(fault.message));
  const isValid = (value: unknown): value is string => typeof value === 'string';
  const text = { isValid, allowed: 'a string', otherwise: 'other' };
  expect(callbacks.ask('a', () => 'right', text)).toBe('right');
  expect(callbacks.ask('b', () => 1, text)).toBe('other');
  expect(callbacks.ask('c', FAULTS.rejects as () => unknown, text)).toBe('other');
  await turn();
  expect(told).toEqual(['createX: b failed: it must return a string', 'createX: c failed: it must return a string']);
});

test.each(MOST)('U1: an onReconnect that %s does not end the subscription', async (fault) => {
  let opened = 0;
  const client = createClient({
    url: 'http://127.0.0.1:1/graphql',
    apiKey: null,
    fetch: () => {
      opened += 1;
      const text = opened === 1 ? '' : 'event: next\ndata: {"data":{"n":1}}\n\nevent: complete\ndata:\n\n';
      return Promise.resolve(new Response(text, { headers: { 'content-type': 'text/event-stream' } }));
    },
  });
  const results: unknown[] = [];
  for await (const result of client.subscribe('subscription { n }', {}, { onReconnect: FAULTS[fault] as () => void })) {
    results.push(result);
  }
  await turn();
  expect([opened, results]).toEqual([2, [{ n: 1 }]]);
  expect(String(printed.mock.calls[0]?.[0])).toMatch(/^Error: subscribe: onReconnect failed: /);
});
