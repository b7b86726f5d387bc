import { getOperationAST, parse } from 'graphql';
import { ANONYMOUS, type Principal } from '../../../src/core/auth/principal.js';
import { unavailable, type Refusal } from '../../../src/core/errors/refusal.js';
import { ANSWER_LIMITS } from '../../../src/core/guard/answer/answerLimits.js';
import { Authorizer, type Decision } from '../../../src/core/guard/authorize.js';
import type { CountedOperation } from '../../../src/core/guard/compiledOperation.js';
import { guardSchema } from '../../../src/core/guard/guard.js';
import type { Introspection } from '../../../src/core/guard/introspection.js';
import { GuardError } from '../../../src/core/guard/rules.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Limits } from '../../../src/core/limits/limits.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { keyWith, ownSchema } from '../../bypass/own.js';

const schema = guardSchema(
  ownSchema(`
    type Query {
      open: Int @public
      a(n: Int): Int @auth(scope: "read:a")
      b: Int @auth(scope: "read:b")
    }
    type Mutation { createApiKey: Int @auth(scope: "write:keys") }
  `),
);
const key = keyWith(['read:a', 'write:keys'], { tier: 'STARTER' });
const noted: string[] = [];
const log = {
  admitted: (_: Principal, cost: number, operation: CountedOperation | null) =>
    void noted.push(`admitted ${cost} ${operation?.fields.join(' ')}`),
  costed: () => undefined,
  failed: () => void noted.push('failed'),
  refused: (principal: Principal | null, { details }: Refusal) =>
    void noted.push(`refused ${principal?.kind ?? 'unknown'} ${details.code}`),
};

let limits: Limiter;
beforeEach(() => {
  noted.length = 0;
  limits = new Limiter({ clock: () => 0, tiers: tierTable({ STARTER: { rate: 10, burst: 3 } }) });
});
afterEach(() => limits.close());

function authorizer(given: Limits = limits, introspection: Introspection = 'authenticated'): Authorizer {
  return new Authorizer({ limits: given, introspection, answer: ANSWER_LIMITS, log });
}

interface More {
  readonly principal?: Principal;
  readonly variables?: Record<string, unknown>;
  readonly wasCounted?: boolean;
  readonly wasParsed?: boolean;
}

function requestOf(
  source: string,
  { principal = key, variables = {}, wasCounted = false, wasParsed = false }: More = {},
) {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('The document has one operation.');
  return { schema, source, document, operation, variables, principal, wasCounted, wasParsed };
}

/** Authorizes at once: a promise would yield to the event loop, where limits in memory need not. */
function decided(of: Authorizer, source: string, more?: More): Decision {
  const decision = of.authorize(requestOf(source, more));
  if (decision instanceof Promise) throw new Error('The decision took a promise.');
  return decision;
}

const codeOf = (decision: Decision) =>
  decision.outcome === 'refused' ? decision.refusal.details.code : decision.outcome;
/** Returns the remaining units in the burst window of the key. */
const left = () => limits.peek({ family: key.familyId ?? '', tier: 'STARTER' }).burst.remaining;

it('allows an operation whose rules the caller meets, and takes its cost', () => {
  const decision = decided(authorizer(), '{ a x: a }');
  expect(decision).toMatchObject({ outcome: 'allowed', isCounted: true, admission: { outcome: 'admitted' } });
  expect(noted).toEqual(['admitted 2 Query.a']);
  expect(left()).toBe(1);
});

it('refuses an operation with a rule that the caller does not meet, and takes nothing', () => {
  const decision = decided(authorizer(), '{ a b }');
  expect(decision).toMatchObject({ outcome: 'refused', isCounted: false, admission: null });
  expect(codeOf(decision)).toBe('FORBIDDEN');
  expect(noted).toEqual(['refused key FORBIDDEN']);
  expect(left()).toBe(3);
});

it('allows an anonymous caller what is public, and nothing else', () => {
  const of = authorizer();
  expect(codeOf(decided(of, '{ open }', { principal: ANONYMOUS }))).toBe('allowed');
  expect(codeOf(decided(of, '{ open a }', { principal: ANONYMOUS }))).toBe('UNAUTHENTICATED');
  expect(codeOf(decided(of, '{ __schema { description } }', { principal: ANONYMOUS }))).toBe('UNAUTHENTICATED');
  expect(noted).toEqual(['refused anonymous UNAUTHENTICATED', 'refused anonymous UNAUTHENTICATED']);
});

it('checks trusted documents first, so that a refusal tells nothing about the schema', () => {
  const principal = { ...key, trustedDocuments: new Set(['0'.repeat(64)]) } as Principal;
  expect(codeOf(decided(authorizer(), '{ b }', { principal }))).toBe('DOCUMENT_NOT_TRUSTED');
});

it('checks introspection by the setting of the server', () => {
  const reading = '{ __schema { description } }';
  expect(codeOf(decided(authorizer(limits, 'authenticated'), reading))).toBe('allowed');
  expect(codeOf(decided(authorizer(limits, 'off'), reading))).toBe('FORBIDDEN');
});

it('does not count invalid variables as the operation, because it cannot run', () => {
  const decision = decided(authorizer(), 'query ($n: Int) { a(n: $n) }', { variables: { n: 'many' } });
  expect(decision).toMatchObject({ outcome: 'invalid', isCounted: false });
  expect(codeOf(decided(authorizer(), 'query ($n: Int) { a(n: $n) }', { variables: { n: 1 } }))).toBe('allowed');
  expect(noted).toEqual(['admitted 1 Query.a']);
});

it('counts the rest of an operation after one request was counted on arrival', () => {
  expect(decided(authorizer(), '{ a }', { wasCounted: true })).toMatchObject({ outcome: 'allowed', admission: null });
  expect(left()).toBe(3);
  decided(authorizer(), '{ a x: a }', { wasCounted: true });
  expect(left()).toBe(2);
});

it('refuses an operation that does not fit, and charges one request only if its document was parsed', () => {
  const of = authorizer();
  expect(codeOf(decided(of, '{ a x: a }'))).toBe('allowed');
  expect(codeOf(decided(of, '{ a x: a }'))).toBe('RATE_LIMITED');
  expect(left()).toBe(1);
  expect(codeOf(decided(of, '{ a x: a }', { wasParsed: true }))).toBe('RATE_LIMITED');
  expect(left()).toBe(0);
});

it('takes new keys from the windows of the workspace before the cost, and tells about both', async () => {
  const decision = await authorizer().authorize(requestOf('mutation { createApiKey }'));
  expect(decision).toMatchObject({
    outcome: 'allowed',
    creation: { outcome: 'admitted' },
    admission: { outcome: 'admitted' },
  });
});

it('refuses everything if the limits cannot be checked, and does not count that as a failed request', async () => {
  const failing = (admit: Limits['admit']): Limits => ({
    tiers: limits.tiers,
    admit,
    peek: () => limits.peek({ family: 'f', tier: 'STARTER' }),
    close: () => undefined,
  });
  const down = unavailable('Down.', 1);
  const thrown = failing(() => {
    throw down;
  });
  const rejected = failing(() => Promise.reject(down));
  for (const given of [thrown, rejected]) {
    const decision = await authorizer(given).authorize(requestOf('{ a }'));
    expect(decision).toMatchObject({ outcome: 'refused', refusal: down, isCounted: true });
  }
  expect(noted).toEqual(['refused key UNAVAILABLE', 'refused key UNAVAILABLE']);
});

it('B31: refuses if a check itself fails, and hides the cause from the caller', () => {
  const broken = { ...key, scopes: null } as unknown as Principal;
  const decision = decided(authorizer(), '{ a }', { principal: broken });
  expect(decision.outcome === 'refused' && decision.refusal).toMatchObject({
    message: 'The request could not be checked. Try again in 1 s.',
    details: { code: 'UNAVAILABLE' },
    cause: expect.any(TypeError),
  });
});

it('charges a failed request once, and records it only if it was not recorded as refused', async () => {
  if (key.kind === 'anonymous') throw new Error('It is a key.');
  const of = authorizer();
  expect(await of.countFailed(key, true)).toMatchObject({ outcome: 'admitted' });
  expect(noted).toEqual([]);
  expect(await of.countFailed(key, false)).toMatchObject({ outcome: 'admitted' });
  expect(noted).toEqual(['failed']);
  await of.countFailed(key, false);
  expect(await of.countFailed(key, false)).toBeNull();
  expect(left()).toBe(0);
});

it('reviews an operation again without counting it', () => {
  const of = authorizer();
  expect(of.review(requestOf('{ a }'))).toBeNull();
  expect(of.review(requestOf('{ a }', { principal: keyWith([]) }))?.details.code).toBe('FORBIDDEN');
  expect(left()).toBe(3);
  expect(noted).toEqual([]);
});

it('refuses an operation whose root type is not in the schema, also if its document was not validated', () => {
  const queries = guardSchema(ownSchema('type Query { open: Int @public }'));
  for (const source of ['mutation { drop(sure: true) }', 'subscription { open }', 'mutation { __typename }']) {
    const request = { ...requestOf(source), schema: queries };
    expect(authorizer().authorize(request)).toMatchObject({
      outcome: 'refused',
      refusal: { details: { code: 'BAD_REQUEST' } },
    });
    expect(authorizer().review(request)?.details.code).toBe('BAD_REQUEST');
  }
  expect(authorizer().review({ ...requestOf('{ open }'), schema: queries })).toBeNull();
});

it('prepares only a schema whose fields all have rules', () => {
  expect(() => authorizer().prepare(ownSchema('type Query { a: Int }'))).toThrow(GuardError);
  expect(() => authorizer().prepare(schema)).not.toThrow();
});
