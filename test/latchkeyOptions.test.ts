import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { assemble } from '../src/assembly/assembly.js';
import * as library from '../src/index.js';
import { createClient, createFetch } from '../src/client/index.js';
import { createContextBuilder } from '../src/core/auth/context.js';
import { readable } from '../src/core/guard/introspection.js';
import { changed } from '../src/core/keys/lifecycle.js';
import { httpAnswer, statusBeforeData } from '../src/core/errors/http.js';
import { ceilingInWords, withinCeiling } from '../src/core/scopes/ceilings.js';
import { TIER_LIMITS } from '../src/core/limits/tiers.js';
import { keyPosition } from '../src/core/store/ordering.js';
import { openMongoStore } from '../src/mongo.js';
import { apolloOptions, createPlugin } from '../src/apollo.js';

const { assertGuarded, Ceilings, ConfiguredEntry, createLatchkey } = library;
const { guardSchema, Limiter, NO_CONFIGURATION, oidcConfiguration, openSqliteStore, Refusal, Roles } = library;
const { tierTable } = library;

/** A fixed seed, so that failures can be reproduced. */
const SEED = 20_261_129;
const SECRET = 'not-to-be-shown-but-long-enough-0123456789';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
let store: library.Store;
let own: library.Latchkey;
beforeAll(async () => {
  store = await openSqliteStore({ dir });
  own = await createLatchkey({ store });
});
afterAll(async () => {
  await own.close();
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const limiter = new Limiter();
afterAll(() => limiter.close());
const PLUGIN = { limiter };
const OIDC = { issuer: 'https://issuer.example', audience: 'api' };
const ENTRY = { key: 'a-chosen-key', name: 'n', roles: ['viewer'] };
const CLIENT = { url: 'http://127.0.0.1:1/graphql', apiKey: null };

/** The response to a request that is sent. */
const answered = () =>
  Promise.resolve(new Response('{"data":{}}', { headers: { 'content-type': 'application/json' } }));
const sending = createClient({ ...CLIENT, fetch: answered });

/** Options of Apollo Server that `apolloOptions` accepts. */
const APOLLO = [
  ...['schema', 'rootValue', 'cache', 'logger', 'stringifyResult', 'maxRecursiveSelections', 'apollo', 'documentStore'],
  ...['hideSchemaDetailsFromClientErrors', 'stopOnTerminationSignals', 'nodeEnv', 'persistedQueries', 'introspection'],
  ...['status400ForVariableCoercionErrors', 'plugins', 'formatError', 'validationRules', 'parseOptions'],
  ...['validationOptions', 'executionOptions', 'csrfPrevention', 'includeStacktraceInErrorResponses'],
  ...['allowBatchedHttpRequests', 'dangerouslyDisableValidation'],
];

/** Each export with options: how to call it, valid options, and all names. */
const takers: readonly [
  name: string,
  call: (options: never) => unknown,
  good: () => object,
  names: readonly string[],
][] = [
  [
    'createLatchkey',
    createLatchkey,
    () => ({ store }),
    [
      ...['store', 'peppers', 'adminApiKey', 'prefixes', 'configuration', 'bcryptCost', 'defaultTier', 'introspection'],
      ...[
        'answer',
        'document',
        'actions',
        'rootFields',
        'onDenied',
        'cost',
        'issuer',
        'tiers',
        'quotaStatus',
        'rateLimitHeaders',
        'limits',
        'changes',
        'onKeyEvent',
        'cacheTtl',
        'keepEndedKeys',
        'onEndedKeysRemoved',
        'observer',
        'fetch',
        'now',
        'log',
      ],
    ],
  ],
  ['openSqliteStore', openSqliteStore, () => ({ dir }), ['dir', 'busyTimeout']],
  ['openMongoStore', openMongoStore, () => ({ uri: 'x' }), ['uri', 'connection', 'timeout']],
  [
    'createPlugin',
    createPlugin,
    () => PLUGIN,
    [
      'limiter',
      'introspection',
      'answer',
      'maxLines',
      'onDenied',
      'cost',
      'rateLimitHeaders',
      'resourceMetadata',
      'log',
      'usage',
      'refusals',
      'observer',
    ],
  ],
  ['Limiter', (options: never) => new Limiter(options), () => ({}), ['clock', 'tiers']],
  ['guardSchema', (options: never) => guardSchema(schema(), options), () => ({}), ['actions', 'answer', 'rootFields']],
  ['guard', (options: never) => own.guard(schema(), options), () => ({}), ['plugin']],
  ['apolloOptions', (options: never) => apolloOptions(own, options), () => ({}), APOLLO],
  [
    'assertGuarded',
    (options: never) => assertGuarded(schema(), options),
    () => ({}),
    ['actions', 'answer', 'rootFields'],
  ],
  ['tierTable', tierTable, () => ({}), Object.keys(TIER_LIMITS)],
  [
    'oidcConfiguration',
    oidcConfiguration,
    () => OIDC,
    [
      ...['issuer', 'audience', 'algorithms', 'scopesClaim', 'rolesClaim', 'workspace', 'workspaceClaim'],
      ...['clockTolerance', 'jwksUri', 'resource', 'mcpResource', 'dashboard'],
    ],
  ],
  [
    'ConfiguredEntry',
    (options: never) => new ConfiguredEntry(options),
    () => ENTRY,
    ['key', 'name', 'roles', 'workspace'],
  ],
  ['Ceilings', (options: never) => new Ceilings(options), () => ({}), ['SECRET', 'CLIENT', 'READ_ONLY']],
  [
    'createClient',
    createClient,
    () => CLIENT,
    ['url', 'apiKey', 'fetch', 'pacing', 'maxRetries', 'timeout', 'headers'],
  ],
  ['createFetch', createFetch, () => CLIENT, ['url', 'apiKey', 'fetch', 'pacing', 'maxRetries', 'timeout', 'headers']],
  ['request', (options: never) => sending.request('{ a }', {}, options), () => ({}), ['signal', 'operationName']],
  [
    'subscribe',
    (options: never) => sending.subscribe('subscription { a }', {}, options).return?.(),
    () => ({}),
    ['signal', 'operationName', 'onReconnect'],
  ],
];

function schema() {
  const typeDefs = [library.directiveTypeDefs(), 'type Query { a: Int @public }'];
  return guardSchema(makeExecutableSchema({ typeDefs }));
}

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return null;
}

/** Values that no option of these functions accepts. */
const wrong = fc.constantFrom<unknown>(
  ...[Number.NaN, Infinity, -Infinity, -1, 1.5, -0.5, Symbol('x'), 10n, [undefined], [null], [Number.NaN], [''], [[]]],
  ...[{ constructor: 1 }, JSON.parse('{"__proto__":{"a":1}}'), { toString: 1 }, new Map([['a', 1]]), new Set()],
);
/** Includes values that some options accept. */
const mayTake = (name: string, value: unknown): boolean =>
  name === 'rootValue' ||
  (['cache', 'documentStore'].includes(name) && value instanceof Map) ||
  (name === 'maxRetries' && value === Infinity) ||
  (['timeout', 'clockTolerance'].includes(name) && value === 1.5);

/** The beginning of a function's errors. A table of tiers is named as in latchkey.yaml. */
const named = (what: string): string => (what === 'tierTable' ? 'tiers' : `${what}:`);

/** An invalid value: the path of the option, the value, and the allowed values. */
const WRONG =
  /^ ?[\w.[\]"-]+( is .+\. Allowed: .+\.| is (missing|a Promise: await it)\.( .+)?| (has|must be) .+\.|: there is no option ".*"\. Options: .+\.)$/s;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

test.each(takers)('U1: %s refuses invalid values of each option, and names it', async (what, call, good, names) => {
  const pairs = fc.tuple(fc.constantFrom(...names), wrong);
  for (const [name, value] of fc.sample(pairs, { seed: SEED, numRuns: 250 })) {
    if (mayTake(name, value)) continue;
    const error = await errorOf(() => call({ ...good(), [name]: value } as never));
    const seen = `${what} ${name} ${Object.prototype.toString.call(value)} ${String(error)}`;
    if (!(error instanceof TypeError)) throw new Error(`Taken: ${seen}`);
    if (!error.message.includes(name)) throw new Error(`Not named: ${seen}`);
    if (!error.message.startsWith(named(what)) || !WRONG.test(error.message.slice(named(what).length))) {
      throw new Error(`Of another form: ${seen}`);
    }
    if (/undefined \(reading|is not iterable|not a function/.test(error.message)) throw new Error(`Died: ${seen}`);
  }
});

test.each(takers)('N12: the error of %s for a Promise says to await it', async (what, call, good, names) => {
  for (const name of names) {
    if (name === 'rootValue') continue;
    const error = await errorOf(() => call({ ...good(), [name]: Promise.resolve({}) } as never));
    const path = what === 'tierTable' ? `tiers.${name}` : `${what}: ${name}`;
    expect(String(error)).toMatch(new RegExp(`^TypeError: ${escaped(path)} is a Promise: await it\\.`));
  }
  const whole = await errorOf(() => call(Promise.resolve({}) as never));
  expect(String(whole)).toMatch(/^TypeError: \w+(: options)? is a Promise: await it\. Allowed: /);
});

// Any other name defines a new tier.
const withNames = takers.filter(([what]) => what !== 'tierTable');

test.each(withNames)('U1: %s refuses unknown names', async (what, call, good, names) => {
  const strange = fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', ''),
    fc.constantFrom(...names).map((name) => `${name}s`),
    fc.constantFrom(...names).map((name) => name.slice(1)),
    fc.constantFrom(...names).map((name) => ` ${name}`),
  );
  for (const name of fc.sample(strange, { seed: SEED, numRuns: 60 })) {
    if (names.includes(name)) continue;
    const options = Object.defineProperty({ ...good() }, name, { value: 1, enumerable: true });
    const error = await errorOf(() => call(options as never));
    expect(error).toBeInstanceOf(TypeError);
    const { message } = error as Error;
    const start = `${named(what).replace(/:$/, '')}: there is no option ${JSON.stringify(name)}. Options: `;
    expect(message.slice(0, start.length)).toBe(start);
    expect(message.slice(start.length, -1).split(', ').sort()).toEqual([...names].sort());
  }
});

const full = oidcConfiguration({ ...OIDC, dashboard: { clientId: 'd' } });

/** Each option that is an object with names, and a valid value of it. */
const nested: readonly [what: string, call: (options: never) => unknown, option: string, good: object][] = [
  ['createLatchkey', (own: object) => createLatchkey({ store, ...own }), 'configuration', NO_CONFIGURATION],
  ['createLatchkey', (own: object) => createLatchkey({ store, ...own }), 'prefixes', NO_CONFIGURATION.prefixes],
  ['createLatchkey', (own: object) => createLatchkey({ store, ...own }), 'document', { tokens: 10 }],
  ['createLatchkey', (own: object) => createLatchkey({ store, ...own }), 'answer', { fields: 10 }],
  ['createLatchkey', (own: object) => createLatchkey({ store, ...own }), 'tiers', tierTable()],
  ['createPlugin', (own: object) => createPlugin({ ...PLUGIN, ...own }), 'answer', { fields: 10 }],
  ['Limiter', (own: object) => new Limiter(own).close(), 'tiers', tierTable()],
  ['guardSchema', (own: object) => guardSchema(schema(), own), 'answer', { fields: 10 }],
  ['tierTable', (own: object) => tierTable(own), 'GROWTH', { rate: 10 }],
  ['apolloOptions', (options: object) => apolloOptions(own, options), 'parseOptions', { noLocation: true }],
  [
    'oidcConfiguration',
    (own: object) => oidcConfiguration({ ...OIDC, ...own }),
    'dashboard',
    { clientId: 'd', scopes: ['openid'] },
  ],
];

test.each(nested)('U1: %s refuses a misspelt name in an option that is an object', async (what, call, option, good) => {
  for (const name of Object.keys(good)) {
    for (const wrong of [`${name}s`, name.toUpperCase() === name ? name.toLowerCase() : name.toUpperCase(), '']) {
      const error = await errorOf(() =>
        call({ [option]: { ...good, [wrong]: Reflect.get(good, name) as unknown } } as never),
      );
      if (!(error instanceof TypeError)) throw new Error(`Taken: ${what} ${option}.${wrong}`);
      expect(error.message).toContain(option);
    }
  }
});

test.each(['configuration', 'prepare'])('U1: %s accepts only the whole result of oidcConfiguration', async (way) => {
  const take = (oidc: unknown): unknown => {
    const configuration = { ...NO_CONFIGURATION, oidc } as library.Configuration;
    return way === 'prepare'
      ? own.prepare(configuration)
      : createLatchkey({ store, configuration }).then((it) => it.close());
  };
  const names = Object.keys(full);
  const faults = [
    ...[
      { issuer: OIDC.issuer },
      OIDC,
      { ...full, audiences: 'a' },
      { ...full, clockTolerance: 900 },
      'x',
      [],
      undefined,
    ],
    ...[
      { ...full, algorithms: ['none'] },
      { ...full, issuer: 'http://issuer.example' },
      { ...full, jwksUri: 1 },
    ],
    ...names.map((name) => Object.fromEntries(Object.entries(full).filter(([other]) => other !== name))),
  ];
  for (const oidc of faults) {
    const error = await errorOf(() => take(oidc));
    if (!(error instanceof TypeError)) throw new Error(`Taken: ${JSON.stringify(oidc)}`);
    expect(error.message).toMatch(/configuration\.oidc is .+ Allowed: null, or what oidcConfiguration returns/);
  }
  for (const oidc of [null, full, oidcConfiguration({ ...OIDC, resource: 'https://api.example' })]) {
    expect(await errorOf(() => take(oidc))).toBeNull();
  }
  expect(await errorOf(() => take(oidcConfiguration({ ...OIDC, workspaceClaim: 'ws' })))).toBeNull();
});

test.each([
  ['spaces', ' '.repeat(40), 'white space'],
  ['a line break at its end', `${'x'.repeat(40)}\n`, 'white space'],
  ['letters outside ASCII', 'é'.repeat(40), 'white space'],
  ['too many characters', 'x'.repeat(10_000), 'has more than'],
])('U1: an admin key of %s is refused, because no request can send it', async (_, adminApiKey, text) => {
  const error = await errorOf(() => createLatchkey({ store, adminApiKey }));
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toMatch(new RegExp(`createLatchkey: adminApiKey has ${text}|adminApiKey ${text}`));
  expect(String(error)).not.toContain('xxx');
});

test.each(takers)('U1: %s refuses options that are not an object', async (what, call) => {
  for (const options of [null, 1, 'text', [], true, Symbol('x')]) {
    const error = await errorOf(() => call(options as never));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^${named(what).replace(/:$/, '(: options)?')} is (null|1|"text"|(an empty|a) list|true|a symbol)\\. Allowed: an object `,
      ),
    );
  }
});

test.each(takers.filter(([name]) => !['openMongoStore', 'openSqliteStore', 'createLatchkey'].includes(name)))(
  'U1: %s accepts valid options, and undefined for optional ones',
  async (_, call, good, names) => {
    expect(await errorOf(() => call(good() as never))).toBeNull();
    const absent = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(await errorOf(() => call({ ...absent, ...good() } as never))).toBeNull();
  },
);

test.each<[string, object, RegExp]>([
  ['no store', {}, /createLatchkey: store is undefined\. Allowed: a store, from await openSqliteStore/],
  [
    'a promise of a store',
    { store: Promise.resolve() },
    /^createLatchkey: store is a Promise: await it\. Allowed: a store/,
  ],
  [
    'introspection never',
    { introspection: 'never' },
    /introspection is "never"\. Allowed: one of on, authenticated, scoped, off/,
  ],
  [
    'an unset pepper',
    { peppers: [process.env.LATCHKEY_NOT_SET] },
    /peppers\[0\] is undefined\. Allowed: a string of at least 32/,
  ],
  [
    'an empty pepper',
    { peppers: [''] },
    /peppers\[0\] has fewer than 32 characters\. Generate one with openssl rand -hex 32\.$/,
  ],
  [
    'a short pepper',
    { peppers: ['abc'] },
    /peppers\[0\] has fewer than 32 characters\. Generate one with openssl rand -hex 32\.$/,
  ],
  ['a pepper outside a list', { peppers: SECRET }, /peppers is a string\. Allowed: a list/],
  [
    'a tier that is not there',
    { defaultTier: 'GOLD' },
    /defaultTier is "GOLD"\. Allowed: one of FREE_TRIAL, .*ENTERPRISE/,
  ],
  ['a tier of an object’s prototype', { defaultTier: 'constructor' }, /defaultTier is "constructor"/],
  ['an empty issuer', { issuer: '' }, /issuer is ""\. Allowed: a string of 1 to 200 visible ASCII characters/],
  ['a number as text', { bcryptCost: '10' }, /bcryptCost is "10"\. Allowed: an integer from 4 to 15/],
  ['a misspelt name', { peper: [SECRET] }, /there is no option "peper"\. Options: store, peppers/],
  [
    'a short admin key',
    { adminApiKey: 'hunter2' },
    /adminApiKey has fewer than 32 characters\. Generate one with openssl rand -hex 32\.$/,
  ],
  [
    'a table without a row',
    { tiers: { GROWTH: TIER_LIMITS.GROWTH } },
    /tiers is an object.*tiers\.ANONYMOUS is missing/,
  ],
  [
    'a table without tiers',
    { tiers: { ANONYMOUS: TIER_LIMITS.GROWTH, KEY_CREATION: TIER_LIMITS.GROWTH, VERIFICATION: TIER_LIMITS.GROWTH } },
    /tiers is an object.*there is no tier/,
  ],
  [
    'a table with an invalid name',
    { tiers: { ...TIER_LIMITS, gold: TIER_LIMITS.GROWTH } },
    /tiers is an object.*the name of a tier is "gold"/,
  ],
  [
    'a table with an incomplete tier',
    { tiers: { ...TIER_LIMITS, GOLD: { ...TIER_LIMITS.GROWTH, streams: undefined } } },
    /tiers is an object.*tiers\.GOLD\.streams is missing/,
  ],
  [
    'a default tier that the table does not have',
    { tiers: tierTable({ GROWTH: null }), defaultTier: 'GROWTH' },
    /defaultTier is "GROWTH"\. Allowed: one of FREE_TRIAL, STARTER, PROFESSIONAL, ENTERPRISE/,
  ],
  [
    'a configuration without roles',
    { configuration: { ...NO_CONFIGURATION, roles: {} } },
    /configuration\.roles is an object/,
  ],
  ['a document of no tokens', { document: { tokens: 0 } }, /document\.tokens is 0/],
  [
    'a misspelt bound of documents',
    { document: { token: 9 } },
    /^createLatchkey: document: there is no option "token"\. Options: tokens, depth, aliases, directives, lines\.$/,
  ],
  [
    'an admin key that is a JWT',
    { adminApiKey: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${'b'.repeat(40)}.c` },
    /adminApiKey has the form of a JWT\.$/,
  ],
  [
    'a configuration that was not awaited',
    { configuration: Promise.resolve(NO_CONFIGURATION) },
    /^createLatchkey: configuration is a Promise: await it\./,
  ],
  ['ended keys that are kept for seconds', { keepEndedKeys: 90 }, /keepEndedKeys is 90\. Allowed: .*a day/],
  ['an answer of zero bytes', { answer: { bytes: 0 } }, /answer\.bytes is 0/],
])('U1: createLatchkey refuses %s', async (_, options, text) => {
  const given = 'store' in options || Object.keys(options).length === 0 ? options : { store, ...options };
  const error = await errorOf(() => createLatchkey(given as never));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(text);
  expect((error as Error).message).not.toMatch(new RegExp(`${SECRET}|abc|hunter2`));
});

test('createLatchkey returns only what users need, and nothing that only the service uses', () => {
  expect(Object.keys(own).sort()).toEqual([
    ...['authenticate', 'close', 'context', 'firstKey', 'guard', 'keySet', 'onChange', 'prepare'],
    ...['protectedResource', 'requests', 'resolvers', 'resourceMetadata', 'streams', 'typeDefs'],
  ]);
});

test('U1: createLatchkey accepts all documented options', async () => {
  const latchkey = await assemble({
    store,
    peppers: [SECRET],
    adminApiKey: null,
    prefixes: { SECRET: 'lks', CLIENT: 'lkc', READ_ONLY: 'lkr' },
    configuration: NO_CONFIGURATION,
    bcryptCost: 4,
    defaultTier: 'STARTER',
    introspection: 'off',
    answer: { fields: 10 },
    document: { tokens: 2_000, depth: 20, aliases: 0, directives: 1, lines: 10_000 },
    actions: ['deploy'],
    tiers: tierTable({ GROWTH: { rate: 7 } }),
    cacheTtl: 0,
    keepEndedKeys: 86_400_000,
    onEndedKeysRemoved: () => undefined,
    now: Date.now,
    log: () => undefined,
    onKeyEvent: () => undefined,
  });
  expect(latchkey.limiter.tiers.GROWTH?.rate).toBe(7);
  await expect(latchkey.prepare({} as never)).rejects.toThrow(/configuration\.apiKeys is undefined/);
  await latchkey.close();
});

test.each<[string, unknown[], RegExp]>([
  ['text as details', ['CODE', 'text'], /Refusal: details is "text"/],
  ['a code that is not there', ['Text.', { code: 'GONE' }], /Refusal: code is "GONE"\. Allowed: one of BAD_REQUEST, /],
  ['a code of an object’s prototype', ['Text.', { code: 'constructor' }], /code is "constructor"/],
  ['no details', ['Text.'], /details is undefined/],
  ['no message', [undefined, { code: 'NOT_FOUND' }], /message is undefined/],
  ['a field that the code does not have', ['Text.', { code: 'NOT_FOUND', http: {} }], /NOT_FOUND has no field "http"/],
  ['a code without its field', ['Text.', { code: 'RATE_LIMITED', limit: 1, window: 1 }], /retryAfter is undefined/],
  [
    'a field of another kind',
    ['Text.', { code: 'FORBIDDEN', missing: 'admin', fields: [] }],
    /missing is "admin"\. Allowed: a list/,
  ],
])('U1: Refusal refuses %s', (_, args, text) => {
  expect(() => new (Refusal as unknown as new (...given: unknown[]) => unknown)(...args)).toThrow(text);
});

test('U1: the other exports refuse invalid arguments', () => {
  expect(() => new Roles({ ops: 'admin' } as never)).toThrow(/Roles: ops is "admin"/);
  expect(() => new Roles([] as never)).toThrow(TypeError);
  expect(() => createContextBuilder(null as never)).toThrow(/createContextBuilder: authenticator/);
  expect(() => createContextBuilder({} as never)).toThrow(/createContextBuilder: authenticator/);
  expect(() => guardSchema('type Query { a: Int }' as never)).toThrow(/guardSchema: schema is "type Query/);
  expect(() => guardSchema(schema(), { actions: 'deploy' } as never)).toThrow(/actions is "deploy"/);
  expect(() => library.isToken(1 as never)).not.toThrow();
});

test('U1: no error of the client shows the key', () => {
  expect(() => createClient({ ...CLIENT, apiKey: `${SECRET} x` })).toThrow(
    /^createClient: apiKey is empty or has characters/,
  );
  expect(() => createClient({ ...CLIENT, headers: { 'x-a': `${SECRET}\n${SECRET}` } })).toThrow(/headers\["x-a"\]/);
});

test('U1: the client refuses a wrong document or wrong variables, and sends nothing', async () => {
  let sent = 0;
  const counting = createClient({
    ...CLIENT,
    fetch: () => {
      sent += 1;
      return answered();
    },
  });
  for (const document of ['', ' ', undefined, null, 1, [], {}, { kind: 'Field' }, new Map()]) {
    await expect(counting.request(document as never)).rejects.toThrow(
      /^request: document is .* Allowed: a non-empty string/,
    );
    expect(() => counting.subscribe(document as never)).toThrow(
      /^subscribe: document is .* Allowed: a non-empty string/,
    );
  }
  for (const variables of ['{}', 1, true, [], Symbol('x')]) {
    await expect(counting.request('{ a }', variables as never)).rejects.toThrow(
      /^request: variables is .* Allowed: an object/,
    );
    expect(() => counting.subscribe('{ a }', variables as never)).toThrow(
      /^subscribe: variables is .* Allowed: an object/,
    );
  }
  expect(sent).toBe(0);
  expect(
    await counting.request('{ a }', null as never, { operationName: 'A', signal: AbortSignal.timeout(60_000) }),
  ).toEqual({});
  expect(sent).toBe(1);
});

test('U1: an unknown value of a switch is refused', () => {
  expect(ceilingInWords('GOLD' as never)).toBe('no scope');
  expect(withinCeiling('GOLD' as never, 'read:all')).toBe(false);
  const odd = { message: 'Text.', details: { code: 'GONE' } } as never;
  expect(httpAnswer(odd)).toEqual({ status: 500, headers: new Map() });
  expect(statusBeforeData(odd)).toBe(500);
  expect(() => keyPosition({ id: 'k' } as never, 'SIZE' as never)).toThrow(/by "SIZE"\. Allowed: CREATED, NAME/);
  expect(() => changed({ outcome: 'odd' } as never, 'revoked')).toThrow(/unknown outcome/);
  expect(readable('never' as never, schema(), { kind: 'operator' } as never)).toBeNull();
});

test.each<[string, () => unknown, string | RegExp]>([
  [
    'guard',
    () => own.guard(schema(), { plugins: false } as never),
    'guard: there is no option "plugins". Options: plugin.',
  ],
  [
    'apolloOptions, of a bound',
    () => apolloOptions(own, { parseOptions: { maxTokens: 5 } } as never),
    'apolloOptions: parseOptions: there is no option "maxTokens". Options: maxLexicalTokens, noLocation.',
  ],
  [
    'apolloOptions, of a schema that was not awaited',
    () => apolloOptions(own, { schema: Promise.resolve(schema()) } as never),
    'apolloOptions: schema is a Promise: await it. Allowed: the GraphQLSchema that latchkey.guard returned, of the graphql module in use here.',
  ],
  [
    'apolloOptions, of a schema instead of options',
    () => apolloOptions(own, schema() as never),
    'apolloOptions: options is a GraphQLSchema. Allowed: an object with it: apolloOptions(latchkey, { schema }).',
  ],
  [
    'apolloOptions, of null',
    () => apolloOptions(own, null as never),
    /^TypeError: apolloOptions: options is null\. Allowed: an object with schema, /,
  ],
  [
    'tierTable',
    () => tierTable({ GROWTH: { categories: { write: { rate: 900, burst: 1 } } } }),
    'tiers.GROWTH.categories.write.rate is 900. Allowed: an integer from 1 to 500, the limit of the tier.',
  ],
  [
    'oidcConfiguration',
    () => oidcConfiguration({ ...OIDC, algorithms: ['RS256', 'none'] } as never),
    `oidcConfiguration: algorithms[1] is "none". Allowed: one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519.`,
  ],
  [
    'Roles',
    () => new Roles({ ops: ['read:all', 'deploy'] }),
    'Roles: ops[1] is "deploy". Allowed: a scope such as read:assets, or a bundle (read-only, read-write).',
  ],
  [
    'no options at all',
    () => openSqliteStore(undefined as never),
    'openSqliteStore needs an object with dir, busyTimeout.',
  ],
])('N12: the error of %s names the option and what is allowed', async (_, call, text) => {
  const error = String(await errorOf(call));
  if (typeof text === 'string') expect(error).toBe(`TypeError: ${text}`);
  else expect(error).toMatch(text);
});

/** A schema of 30 root fields and two types, unguarded. */
function unguarded(rules = '@auth(scope: "read:all")') {
  const fields = Array.from({ length: 30 }, (_, i) => `f${i}: Int ${rules}`);
  return makeExecutableSchema({ typeDefs: [library.directiveTypeDefs(), `type Query { ${fields.join(' ')} }`] });
}

test('N13: every function refuses an unguarded schema with one line', () => {
  const line = /^The schema is not guarded\. Pass the schema that latchkey\.guard\(schema\) returned[^\n]*$/;
  expect(() => apolloOptions(own, { schema: unguarded() })).toThrow(line);
  expect(() => assertGuarded(unguarded())).toThrow(line);
  expect(() => apolloOptions(own, { schema: own.guard(unguarded()) })).not.toThrow();
});

test('N13: names places with the same fault in one line', () => {
  const decided =
    /^The schema is not guarded:\n- Query\.f0, (Query\.f\d, ){8}Query\.f9 and 20 more: a root field needs [^\n]*$/;
  expect(() => own.guard(unguarded(''))).toThrow(decided);
  const lost = own.guard(unguarded());
  for (const field of Object.values(lost.getQueryType()?.getFields() ?? {})) field.resolve = () => 1;
  expect(() => assertGuarded(lost)).toThrow(
    /^The schema is not guarded:\n- Query\.f0, [^\n]* and 20 more: its rule is not enforced\. [^\n]*$/,
  );
});

test('names each invalid option of createLatchkey in its own line', async () => {
  const error = await createLatchkey({
    store,
    peper: 1,
    bcryptCost: 'x',
    cacheTtl: -1,
    document: { tokens: 'y' },
  } as never).catch((thrown: unknown) => thrown as Error);
  expect((error as Error).message.split('\n')).toEqual([
    expect.stringMatching(/^createLatchkey: bcryptCost is "x"\. Allowed: /),
    expect.stringMatching(/^createLatchkey: document\.tokens is "y"\. Allowed: /),
    expect.stringMatching(/^createLatchkey: cacheTtl is -1\. Allowed: /),
    expect.stringMatching(/^createLatchkey: there is no option "peper"\. Options: store, /),
  ]);
});
