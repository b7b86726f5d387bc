import { getOperationAST, parse, type GraphQLError } from 'graphql';
import { guardOf } from '../../../../src/adapters/apollo/pluginGuard.js';
import { ANONYMOUS, type AuthenticatedPrincipal, type Principal } from '../../../../src/core/auth/principal.js';
import type { CostMode } from '../../../../src/core/guard/cost/costMode.js';
import { guardSchema } from '../../../../src/core/guard/guard.js';
import { PlainReply } from '../../../../src/core/guard/request/plainReply.js';
import { Limiter } from '../../../../src/core/limits/limiter.js';
import { tierTable } from '../../../../src/core/limits/tierTable.js';
import { keyWith, ownSchema } from '../../../bypass/own.js';

const SDL = `
  type Query {
    orders(first: Int, last: Int): [Order] @public @listSize(slicingArguments: ["first", "last"])
    open: Int @public
  }
  type Order { id: ID }`;
const schema = guardSchema(ownSchema(SDL));
const plain = guardSchema(ownSchema('type Query { open: Int @public }'));

const KEY = keyWith(['read:orders']) as AuthenticatedPrincipal;

let limiter: Limiter;
beforeEach(() => {
  const cost = { max: 50, rate: 100, burst: 60 };
  const tiers = tierTable({ ENTERPRISE: { cost }, ANONYMOUS: { cost: { max: 5, rate: 100, burst: 60 } } });
  limiter = new Limiter({ clock: () => 1_000, tiers });
});
afterEach(() => limiter.close());

interface Sent {
  readonly principal?: Principal;
  readonly mode?: CostMode;
  readonly variables?: Record<string, unknown>;
  readonly wasParsed?: boolean;
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLError[];
  readonly reportsCost?: boolean;
  readonly of?: typeof schema;
}

/** Sends a request as an adapter does, and returns its refusal and its response. */
async function send(source: string, given: Sent = {}) {
  const { principal = KEY, mode = 'enforce', variables = {}, data = {}, errors, reportsCost, of = schema } = given;
  const document = parse(source);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('The document has no operation.');
  const guard = guardOf({ limiter, cost: mode });
  guard.prepare(of);
  const guarded = guard.begin();
  guarded.wasParsed = given.wasParsed ?? false;
  const context = { principal, ...(reportsCost !== undefined && { reportsCost }) };
  const refusal = await guarded.authorize({ schema: of, source, document, operation, variables }, context);
  const result = refusal === null ? { data } : { errors: [{ message: refusal.message }] };
  const asked = { schema: of, context, written: [], document, operation, variables };
  const reply = new PlainReply(asked, result, refusal === null ? errors : [refusal]);
  await guarded.finish(reply);
  return { refusal, reply };
}

const left = (): number => limiter.peek({ family: KEY.familyId, tier: KEY.tier }, 'cost').rate.remaining;
const orders = (count: number) => ({ orders: Array.from({ length: count }, (_, i) => ({ id: String(i) })) });

test('refuses an operation above the maximum before it runs, and takes no cost units', async () => {
  const { refusal, reply } = await send('{ orders(first: 49) { id } }');
  expect(refusal?.details).toEqual({ code: 'COST_EXCEEDED', cost: 51, limit: 50 });
  expect(refusal?.message).toBe(
    'The operation can cost 51 units, more than the 50 that one operation may cost. The most expensive fields are Query.orders (50), Query (1). Request shorter lists or fewer fields, or split the operation.',
  );
  expect(reply.statusCode).toBe(400);
  expect(left()).toBe(100);
  expect((await send('{ orders(first: 48) { id } }')).refusal).toBeNull();
});

test('uses the variables of the request', async () => {
  const source = 'query ($n: Int) { orders(first: $n) { id } }';
  expect((await send(source, { variables: { n: 49 } })).refusal?.details).toMatchObject({ cost: 51 });
  expect((await send(source, { variables: { n: 48 } })).refusal).toBeNull();
});

test.each([true, false])('counts one failed request for a refusal; document parsed: %s', async (wasParsed) => {
  const requests = () => limiter.peek({ family: KEY.familyId, tier: KEY.tier }).rate.remaining;
  const before = requests();
  await send('{ orders(first: 49) { id } }', { wasParsed });
  expect(requests()).toBe(before - 1);
});

test('requires the size of a list, and names its arguments', async () => {
  const { refusal } = await send('{ orders { id } }');
  expect(refusal?.details).toEqual({ code: 'LIST_SIZE_REQUIRED', field: 'Query.orders', arguments: ['first', 'last'] });
  expect((await send('{ orders(first: 1, last: 1) { id } }')).refusal?.details).toMatchObject({
    code: 'LIST_SIZE_REQUIRED',
  });
  expect((await send('{ orders(last: 1) { id } }')).refusal).toBeNull();
});

test('takes the estimate, and gives back the difference to the response', async () => {
  await send('{ orders(first: 38) { id } }', { data: orders(38) });
  expect(left()).toBe(60);
  await send('{ orders(first: 18) { id } }', { data: orders(3) });
  expect(left()).toBe(60 - 5);
});

test('gives nothing back if the list is longer than it should be, or the response has errors', async () => {
  await send('{ orders(first: 8) { id } }', { data: orders(20) });
  expect(left()).toBe(90);
  await send('{ orders(first: 8) { id } }', { data: null, errors: [] });
  expect(left()).toBe(80);
});

test('refuses for now if the windows have no room, until their units are free', async () => {
  for (const _ of [1, 2]) await send('{ orders(first: 28) { id } }', { data: orders(28) });
  const { refusal } = await send('{ open }');
  expect(refusal?.details).toMatchObject({ code: 'RATE_LIMITED', unit: 'cost', limit: 60, window: 1 });
});

test.each(['measure', 'off'] as const)('refuses and takes nothing with %s', async (mode) => {
  const { refusal } = await send('{ orders(first: 5000) { id } }', { mode });
  expect(refusal).toBeNull();
  expect((await send('{ orders { id } }', { mode })).refusal).toBeNull();
  expect(left()).toBe(100);
});

test('counts one request if the cost windows refuse a cached document', async () => {
  const requests = () => limiter.peek({ family: KEY.familyId, tier: KEY.tier }).rate.remaining;
  for (let i = 0; i < 2; i += 1) await send('{ orders(first: 28) { id } }', { data: null });
  const before = requests();
  expect((await send('{ orders(first: 48) { id } }')).refusal?.details.code).toBe('RATE_LIMITED');
  expect(requests()).toBe(before - 1);
});

test('counts requests for a schema without directives', async () => {
  await send('{ a: open b: open c: open }', { of: plain });
  expect(left()).toBe(97);
  const many = Array.from({ length: 51 }, (_, i) => `a${i}: open`).join(' ');
  expect((await send(`{ ${many} }`, { of: plain })).refusal?.details).toEqual({
    code: 'COST_EXCEEDED',
    cost: 51,
    limit: 50,
  });
});

test('limits callers without a key', async () => {
  expect((await send('{ orders(first: 4) { id } }', { principal: ANONYMOUS })).refusal?.details).toEqual({
    code: 'COST_EXCEEDED',
    cost: 6,
    limit: 5,
  });
  expect((await send('{ orders(first: 3) { id } }', { principal: ANONYMOUS })).refusal).toBeNull();
});

test('reports the cost in the response only if the request has the header field', async () => {
  const { reply } = await send('{ orders(first: 8) { id } }', { data: orders(3), reportsCost: true });
  expect(reply.result?.extensions).toEqual({ cost: { estimate: 10, actual: 5 } });
  const measured = await send('{ orders(first: 8) { id } }', { data: orders(3), reportsCost: true, mode: 'measure' });
  expect(measured.reply.result?.extensions).toEqual({ cost: { estimate: 10, actual: 5 } });
  expect((await send('{ orders(first: 8) { id } }', { data: orders(3) })).reply.result).not.toHaveProperty(
    'extensions',
  );
  const off = await send('{ orders(first: 8) { id } }', { data: orders(3), reportsCost: true, mode: 'off' });
  expect(off.reply.result).not.toHaveProperty('extensions');
});
