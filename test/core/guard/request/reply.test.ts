import { buildSchema, GraphQLError, parse, type OperationDefinitionNode } from 'graphql';
import { Refusal, unavailable } from '../../../../src/core/errors/refusal.js';
import { ANSWER_LIMITS } from '../../../../src/core/guard/answer/answerLimits.js';
import {
  boundReply,
  capErrors,
  MAX_ERRORS,
  retell,
  setLimitFields,
  setStatus,
  type Reply,
} from '../../../../src/core/guard/request/reply.js';

const schema = buildSchema('type Query { report: String board: String }');
const document = parse('{ report }');
const [operation] = document.definitions as OperationDefinitionNode[];

type Parts = Partial<{ -readonly [Name in keyof Reply]: Reply[Name] }>;

const replyOf = (parts: Parts): Reply => ({
  ...{ schema, document, operation, context: {}, written: ['{ report }'], variables: {} },
  ...{ errors: undefined, result: {}, status: undefined, headers: new Map<string, string>() },
  ...parts,
});
const thrownBy = (refusal: Refusal): GraphQLError =>
  new GraphQLError(refusal.message, { path: ['report'], originalError: refusal });

describe('setStatus', () => {
  const missing = new Refusal('No key.', { code: 'UNAUTHENTICATED', reason: 'missing' });

  test('takes the status and the challenge of the first refusal, if there is no data', () => {
    const errors = [new GraphQLError('Fault.'), thrownBy(missing)];
    const reply = replyOf({ errors, result: { errors: [], data: null } });
    setStatus(reply, 'https://api.example/metadata');
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toBe(
      'Bearer realm="latchkey", resource_metadata="https://api.example/metadata"',
    );
  });

  test.each([
    ['there is data', { result: { data: { report: null, board: 'b' } } }],
    ['the response already has a status', { status: 400, result: {} }],
    ['the response has several parts', { result: null }],
    ['nothing failed', { errors: undefined }],
  ])('changes nothing if %s', (_, parts: Parts) => {
    const reply = replyOf({ errors: [thrownBy(missing)], ...parts });
    setStatus(reply, null);
    expect(reply.status).toBe(parts.status);
    expect([...(reply.headers as Map<string, string>)]).toEqual([]);
  });

  test('sends 503 without data if the store was unavailable for every field', () => {
    const away = thrownBy(unavailable('Try again shortly.', 3));
    const result = { data: { report: null, board: null } };
    const reply = replyOf({ errors: [away, away], result });
    setStatus(reply, null);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('3');
    expect(result).not.toHaveProperty('data');

    const partly = replyOf({ errors: [away], result: { data: { report: null, board: 'b' } } });
    setStatus(partly, null);
    expect(partly.status).toBeUndefined();
    expect(partly.result?.data).toEqual({ report: null, board: 'b' });
  });

  test('keeps 200 for refusals of fields, such as NOT_FOUND', () => {
    const reply = replyOf({
      errors: [thrownBy(new Refusal('No order.', { code: 'NOT_FOUND' }))],
      result: { data: null },
    });
    setStatus(reply, null);
    expect(reply.status).toBeUndefined();
  });
});

describe('boundReply', () => {
  test('replaces data that is too large by a refusal, and removes an earlier status', () => {
    const result = { data: { report: 'x'.repeat(100) } };
    const reply = replyOf({ result, status: 200 });
    boundReply(reply, { ...ANSWER_LIMITS, bytes: 50 });
    expect(result).toEqual({
      errors: [
        {
          message: expect.stringContaining('limit of 50 bytes'),
          extensions: { code: 'ANSWER_TOO_LARGE', limit: 50, unit: 'bytes' },
        },
      ],
    });
    expect(reply.status).toBeUndefined();
    expect(reply.errors).toEqual([expect.any(Refusal)]);
    setStatus(reply, null);
    expect(reply.status).toBe(400);
  });

  test('keeps data within the limits', () => {
    const result = { data: { report: 'x' } };
    boundReply(replyOf({ result }), { ...ANSWER_LIMITS, bytes: 50 });
    expect(result).toEqual({ data: { report: 'x' } });
  });
});

describe('capErrors', () => {
  test('removes repeated faults of the document, but not those of fields', () => {
    const result = {
      errors: [
        { message: 'Unknown directive "@a".' },
        { message: 'Unknown directive "@a".' },
        { message: 'Fault.', path: ['a'] },
        { message: 'Fault.', path: ['b'] },
      ],
    };
    capErrors(replyOf({ result }));
    expect(result.errors.map(({ message }) => message)).toEqual(['Unknown directive "@a".', 'Fault.', 'Fault.']);
  });

  test('sends the first 20', () => {
    const result = { errors: Array.from({ length: 50 }, (_, i) => ({ message: `Fault ${i}.`, path: [i] })) };
    capErrors(replyOf({ result }));
    expect(result.errors).toHaveLength(MAX_ERRORS);
    expect(result.errors.at(-1)?.message).toBe('Fault 19.');
  });
});

describe('retell', () => {
  const suggestion = 'Cannot query field "repor" on type "Query". Did you mean "report"?';
  const formatted = { message: suggestion, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } };
  const thrown = () => new GraphQLError(suggestion, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
  const told = (parts: Parts, readable = () => null as typeof schema | null): string | undefined => {
    const reply = replyOf({ written: ['{ repor }'], document: parse('{ repor }'), ...parts });
    retell(reply, readable);
    return reply.result?.errors?.[0]?.message;
  };

  test('removes names that the caller may not read, and keeps them for others', () => {
    expect(told({ result: { errors: [formatted] }, errors: [thrown()] })).not.toContain('"report"');
    expect(told({ result: { errors: [formatted] }, errors: [thrown()] }, () => schema)).toBe(suggestion);
  });

  test.each([
    ['errors of fields', [{ ...formatted, path: ['report'] }], [thrown()]],
    ['refusals', [formatted], [new Refusal(suggestion, { code: 'NOT_FOUND' })]],
    [
      'errors with a code of their author',
      [formatted],
      [new GraphQLError(suggestion, { extensions: { code: 'OWN' } })],
    ],
  ])('keeps the text of %s, and does not read the schema for it', (_, errors, before) => {
    const readable = () => {
      throw new Error('The schema was read.');
    };
    expect(told({ result: { errors }, errors: before }, readable)).toBe(suggestion);
  });
});

describe('setLimitFields', () => {
  test.each([
    [undefined, 'private, no-store'],
    ['max-age=60, public', 'private, no-store'],
    ['no-store', 'no-store'],
    ['private, max-age=5', 'private, max-age=5'],
  ])('with Cache-Control %s: %s', (before, after) => {
    const headers = new Map(before === undefined ? [] : [['cache-control', before]]);
    setLimitFields(replyOf({ headers }), { RateLimit: '"rate";r=4;t=1', 'Retry-After': '7' });
    expect([...headers]).toEqual(
      expect.arrayContaining([
        ['ratelimit', '"rate";r=4;t=1'],
        ['retry-after', '7'],
        ['cache-control', after],
      ]),
    );
  });
});
