import { getOperationAST, GraphQLError, parse } from 'graphql';
import { guardOf } from '../../../../src/adapters/apollo/pluginGuard.js';
import { ANONYMOUS, type Principal } from '../../../../src/core/auth/principal.js';
import { guardSchema } from '../../../../src/core/guard/guard.js';
import type { GuardedRequest } from '../../../../src/core/guard/request/guardedRequest.js';
import { PlainReply } from '../../../../src/core/guard/request/plainReply.js';
import { Limiter } from '../../../../src/core/limits/limiter.js';
import { tierTable } from '../../../../src/core/limits/tierTable.js';
import { keyWith, ownSchema } from '../../../bypass/own.js';

const schema = guardSchema(
  ownSchema('type Query { report: String @auth(scope: "read:reports") open: String @public }'),
);

let logged: unknown[] = [];
let limiter: Limiter;
beforeEach(() => {
  logged = [];
  limiter = new Limiter({ clock: () => 1_000, tiers: tierTable({ ENTERPRISE: { rate: 5, burst: 5 } }) });
});
afterEach(() => limiter.close());

const begin = (): GuardedRequest => {
  const guard = guardOf({ limiter, log: (error) => logged.push(error) });
  guard.prepare(schema);
  return guard.begin();
};

const operationOf = (source: string) => {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('The document has no operation.');
  return { schema, document, operation, variables: {}, source };
};

const finish = async (guarded: GuardedRequest, principal: Principal | null, error?: GraphQLError) => {
  const asked = { ...operationOf('{ open }'), context: principal && { principal }, written: ['{ open }'] };
  const result = error === undefined ? { data: { open: null } } : { errors: [{ message: error.message }] };
  const reply = new PlainReply(asked, result, error && [error]);
  await guarded.finish(reply);
  return reply;
};
const left = (reply: PlainReply): string | undefined => /r=(\d+)/.exec(reply.headers.get('ratelimit') ?? '')?.[1];
const READER = keyWith(['read:reports']);
const STRANGER = keyWith(['read:other']);

test('completes the response to an operation without a promise, if its limits are counted in this process', () => {
  const guarded = begin();
  const context = { principal: READER };
  expect(guarded.authorize(operationOf('{ report }'), context)).toBeNull();
  const asked = { ...operationOf('{ report }'), context, written: [] };
  expect(guarded.finish(new PlainReply(asked, { data: { report: null } }, undefined))).toBeUndefined();
});

test('prepares the response to another operation than the one that was authorized only if that reads the schema', async () => {
  const guarded = begin();
  const context = { principal: READER };
  await guarded.authorize(operationOf('{ report }'), context);
  expect(guarded.readSchema(operationOf('{ report }'), context)).toBeNull();
  expect(guarded.readSchema(operationOf('{ __type(name: "Query") { name } }'), context)).toEqual({
    __type: { name: 'Query' },
  });
});

describe('authorize', () => {
  test('allows an operation with the scope, and counts it once', async () => {
    const guarded = begin();
    expect(guarded.isAllowed).toBe(false);
    expect(guarded.authorize(operationOf('{ report }'), { principal: READER })).toBeNull();
    expect(guarded.isAllowed).toBe(true);
    expect(left(await finish(guarded, READER))).toBe('4');
  });

  test.each([
    ['no key', ANONYMOUS, 401, 'UNAUTHENTICATED'],
    ['a key without the scope', STRANGER, 403, 'FORBIDDEN'],
  ])('refuses an operation with %s', async (_, principal, status, code) => {
    const guarded = begin();
    const refusal = await guarded.authorize(operationOf('{ report }'), { principal });
    expect(refusal?.details.code).toBe(code);
    expect(refusal?.extensions).toMatchObject({ http: { status } });
    expect(guarded.isAllowed).toBe(false);
  });

  test.each([undefined, null, {}, { principal: null }, { principal: 'key_1' }])(
    'refuses an operation with the context %j, instead of treating it as anonymous',
    async (context) => {
      const refusal = await begin().authorize(operationOf('{ open }'), context);
      expect(refusal?.details.code).toBe('UNAVAILABLE');
    },
  );
});

describe('finish', () => {
  test('counts a request of a key that failed before its operation was authorized', async () => {
    expect(left(await finish(begin(), READER, new GraphQLError('Syntax error.')))).toBe('4');
    expect(left(await finish(begin(), READER, new GraphQLError('Syntax error.')))).toBe('3');
  });

  test('counts a refused operation once', async () => {
    const guarded = begin();
    const refusal = await guarded.authorize(operationOf('{ report }'), { principal: STRANGER });
    if (refusal === null) throw new Error('The operation was allowed.');
    expect(left(await finish(guarded, STRANGER, refusal))).toBe('4');
  });

  test('counts nothing, and sends no limits, without a context', async () => {
    const reply = await finish(begin(), null, new GraphQLError('No context.'));
    expect(reply.headers.has('ratelimit')).toBe(false);
  });
});

describe('tell', () => {
  test('logs hidden errors, at most 20, and not those that callers see', () => {
    const guarded = begin();
    const fault = new Error('connect ECONNREFUSED');
    const hidden = (i: number) => new GraphQLError(fault.message, { path: ['list', i], originalError: fault });
    const shown = new GraphQLError('Out of stock.', { extensions: { code: 'OUT_OF_STOCK' } });
    guarded.tell([shown, ...Array.from({ length: 30 }, (_, i) => hidden(i))], { principal: READER });
    expect(logged).toEqual(Array<Error>(20).fill(fault));
  });

  test('removes the status that a hidden error brings', () => {
    const error = new GraphQLError('Fault.', {
      path: ['a'],
      originalError: Object.assign(new Error('Fault.'), { extensions: { http: { status: 402 } } }),
    });
    begin().tell([error], { principal: READER });
    expect(error.extensions).not.toHaveProperty('http');
  });
});

describe('variableErrors', () => {
  const typed = { ...operationOf('query ($v: String!) { open }'), variables: { v: 1 } };

  test('reports one wrong variable of an anonymous caller', async () => {
    const guarded = begin();
    await guarded.authorize(typed, { principal: ANONYMOUS });
    expect(guarded.variableErrors(typed, { principal: ANONYMOUS })).toEqual([expect.any(GraphQLError)]);
    expect(guarded.variableErrors({ ...typed, variables: { v: 'x' } }, { principal: ANONYMOUS })).toBeNull();
  });
});
