import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import type { ApolloServerOptions } from '@apollo/server';
import { GraphQLError, type ValidationRule } from 'graphql';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { LatchkeyContext } from '../../../src/index.js';
import { startOwnApollo, type OwnApollo } from '../../e2e/ownApollo.js';
import { apolloOptions, type OwnApolloOptions } from '../../../src/adapters/apollo/apolloOptions.js';

type Options = OwnApolloOptions<LatchkeyContext>;

async function serving<T>(options: Options, look: (own: OwnApollo) => Promise<T>): Promise<T> {
  const own = await startOwnApollo({
    typeDefs: 'extend type Query { bad: Int @public good: Int @public }',
    resolvers: { Query: { bad: () => Promise.reject(new Error('secret')), good: () => 1 } },
    apollo: (latchkey, { schema, logger }): ApolloServerOptions<LatchkeyContext> =>
      apolloOptions(latchkey, { schema, logger, ...options }),
  });
  try {
    return await look(own);
  } finally {
    await own.close();
  }
}

test("F2: calls the user's formatError with Latchkey's error, and removes tokens from its result", async () => {
  const seen: unknown[] = [];
  const formatError: NonNullable<Options>['formatError'] = (formatted, error) => {
    seen.push([formatted.message, (error as GraphQLError).originalError?.message]);
    return {
      ...formatted,
      message: `${formatted.message} lks_live_${'0'.repeat(54)}`,
      extensions: { ...formatted.extensions, own: 1 },
    };
  };
  await serving({ formatError }, async (own) => {
    const { body } = await own.query('{ bad }');
    expect(seen).toEqual([[expect.stringContaining('Something went wrong'), 'secret']]);
    expect(body.errors[0].message).toMatch(/Something went wrong.* \[key\]$/);
    expect(body.errors[0].extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', own: 1 });
  });
});

test("F2: runs the user's plugins after Latchkey's, which still limits", async () => {
  const ran: string[] = [];
  const plugin = {
    requestDidStart: () => Promise.resolve({ didResolveOperation: () => Promise.resolve(void ran.push('resolved')) }),
  };
  await serving({ plugins: [plugin] }, async (own) => {
    const refused = await own.query('{ viewer { scopes } }', { token: null });
    expect([refused.status, ran]).toEqual([401, []]);
    const allowed = await own.query('{ viewer { scopes } }');
    expect([allowed.status, ran]).toEqual([200, ['resolved']]);
    expect(allowed.headers.get('ratelimit-policy')).toContain('"burst"');
  });
});

test("F2: the user's cache control replaces the plugin that disables it", async () => {
  await serving({ plugins: [ApolloServerPluginCacheControl({ defaultMaxAge: 5 })] }, async (own) => {
    expect((await own.query('{ good }')).headers.get('cache-control')).toContain('private');
  });
});

test("F2: adds the user's validation rules and bounds to Latchkey's", async () => {
  const noGood: ValidationRule = (context) => ({
    Field: (node) =>
      node.name.value === 'good' ? context.reportError(new GraphQLError('No.', { nodes: node })) : undefined,
  });
  await serving({ validationRules: [noGood], parseOptions: { maxLexicalTokens: 20 } }, async (own) => {
    expect((await own.query('{ good }')).body.errors[0]).toMatchObject({
      message: 'No.',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
    expect((await own.query(`{ ${'bad '.repeat(30)} }`)).body.errors[0].extensions.code).toBe('GRAPHQL_PARSE_FAILED');
    const deep = '{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }';
    expect((await own.query('{ a: good @skip(if: false) }')).status).toBe(400);
    expect((await own.query(deep)).status).toBe(400);
  });
});

test.each<[string, unknown, string]>([
  ['fieldResolver', () => 1, 'Put the resolver into the schema'],
  ['gateway', {}, 'Guard the schemas of the subgraphs'],
  ['typeDefs', 'type Query { a: Int }', 'Pass the guarded schema as schema'],
  ['resolvers', {}, 'Pass the guarded schema as schema'],
  ['legacyExperimentalExecuteIncrementally', () => 1, 'incremental responses'],
  ['includeStacktraceInErrorResponses', true, 'Allowed: false.'],
  ['allowBatchedHttpRequests', true, 'Allowed: false.'],
  ['dangerouslyDisableValidation', true, 'Allowed: false.'],
  ['dangerouslyDisableValidation', 'false', 'Allowed: false.'],
  ['formaterror', () => 1, 'formatError'],
  ['__testing_incrementalExecutionResults', {}, 'there is no option'],
  ['plugins', {}, 'Allowed: a list of plugins.'],
  ['validationRules', 'x', 'Allowed: a list of functions.'],
  ['parseOptions', [], 'Allowed: an object.'],
  ['formatError', 'x', 'Allowed: a function.'],
  ['introspection', 'off', 'Allowed: true or false.'],
  ['csrfPrevention', 'no', 'csrfPrevention'],
  ['csrfPrevention', { requestHeader: [] }, 'Allowed: true, false, or an object with requestHeaders'],
  ['plugins', [null], 'Allowed: a list of plugins.'],
  ['logger', console.log, 'Allowed: an object with the methods debug, info, warn, error.'],
  ['persistedQueries', true, 'Allowed: false, or an object with cache and ttl.'],
])('F2: apolloOptions refuses %s', async (name, value, text) => {
  await serving({}, (own) => {
    const call = (): unknown => apolloOptions(own.latchkey, { [name]: value });
    expect(call).toThrow(TypeError);
    expect(call).toThrow(name);
    expect(call).toThrow(text);
    return Promise.resolve();
  });
});

test('F2: apolloOptions refuses a schema without a guard', async () => {
  await serving({}, (own) => {
    const schema = makeExecutableSchema({ typeDefs: 'type Query { open: Int }' });
    expect(() => apolloOptions(own.latchkey, { schema })).toThrow('Query.open');
    expect(() => apolloOptions(own.latchkey, null as never)).toThrow(TypeError);
    expect(apolloOptions(own.latchkey, { csrfPrevention: { requestHeaders: ['x-own'] } }).csrfPrevention).toEqual({
      requestHeaders: expect.arrayContaining(['x-own', 'x-api-key']),
    });
    return Promise.resolve();
  });
});

test.each<[string, object, RegExp]>([
  [
    'more tokens',
    { parseOptions: { maxLexicalTokens: 701 } },
    /maxLexicalTokens is 701\. Allowed: an integer from 0 to 700/,
  ],
  [
    'no bound on tokens',
    { parseOptions: { maxLexicalTokens: Infinity } },
    /createLatchkey\(\{ document: \{ tokens: … \} \}\)/,
  ],
  ['tokens that are not a number', { parseOptions: { maxLexicalTokens: '100' } }, /maxLexicalTokens is "100"/],
  ['NaN', { parseOptions: { maxLexicalTokens: NaN } }, /maxLexicalTokens is NaN/],
  ['more errors', { validationOptions: { maxErrors: 21 } }, /maxErrors is 21\. Allowed: an integer from 0 to 20/],
  ['more coercion errors', { executionOptions: { maxCoercionErrors: 50 } }, /maxCoercionErrors is 50/],
  [
    'variables of fragments',
    { parseOptions: { allowLegacyFragmentVariables: true } },
    /no option "allowLegacyFragmentVariables"/,
  ],
  ['a misspelt bound', { executionOptions: { maxCoercionError: 1 } }, /no option "maxCoercionError"/],
  ['null', { parseOptions: null }, /parseOptions is null/],
])('U1: apolloOptions refuses %s', async (_, options, text) => {
  await serving({}, (own) => {
    expect(() => apolloOptions(own.latchkey, options)).toThrow(TypeError);
    expect(() => apolloOptions(own.latchkey, options)).toThrow(text);
    return Promise.resolve();
  });
});

test('U1: apolloOptions lowers bounds, and treats undefined as not set', async () => {
  await serving({}, (own) => {
    const lower = apolloOptions(own.latchkey, {
      parseOptions: { maxLexicalTokens: 50, noLocation: false },
      validationOptions: { maxErrors: 1 },
      executionOptions: { maxCoercionErrors: 0 },
    });
    expect(lower).toMatchObject({
      parseOptions: { maxLexicalTokens: 50 },
      validationOptions: { maxErrors: 1 },
      executionOptions: { maxCoercionErrors: 0 },
    });
    expect(apolloOptions(own.latchkey, { parseOptions: { maxLexicalTokens: undefined } } as never)).toMatchObject({
      parseOptions: { maxLexicalTokens: 700 },
    });
    return Promise.resolve();
  });
});

test("U1: createLatchkey({ document }) sets bounds, and apolloOptions can't exceed them", async () => {
  const two = '{ a: good b: good }';
  await serving({}, async (own) => expect((await own.query(two)).status).toBe(200));
  const own = await startOwnApollo({
    typeDefs: 'extend type Query { good: Int @public }',
    resolvers: { Query: { good: () => 1 } },
    latchkey: { document: { tokens: 1_000, aliases: 1 } },
  });
  try {
    expect((await own.query('{ a: good }')).body).toEqual({ data: { a: 1 } });
    expect((await own.query(two)).status).toBe(400);
    expect(apolloOptions(own.latchkey).parseOptions).toEqual({ maxLexicalTokens: 1_000 });
    expect(() => apolloOptions(own.latchkey, { parseOptions: { maxLexicalTokens: 1_001 } })).toThrow(/to 1000/);
  } finally {
    await own.close();
  }
});
