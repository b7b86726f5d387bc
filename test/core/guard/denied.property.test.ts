import fc from 'fast-check';
import {
  buildASTSchema,
  concatAST,
  execute,
  isObjectType,
  Kind,
  NoUnusedFragmentsRule,
  NoUnusedVariablesRule,
  parse,
  specifiedRules,
  validate,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { decide } from '../../../src/core/guard/decide.js';
import { ANSWER_LIMITS } from '../../../src/core/guard/answer/answerLimits.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { Denied } from '../../../src/core/guard/denied/denied.js';
import { withoutDenied } from '../../../src/core/guard/denied/withoutDenied.js';
import { guardSchema, rulesOf } from '../../../src/core/guard/guard.js';
import { directiveTypeDefs } from '../../../src/management/schema/typeDefs.js';
import { keyWith } from '../../bypass/own.js';
import { chooser, randomDocument, randomSdl, VARIABLES } from './documents.js';
import { runs } from '../../support/runs.js';

const RULES = specifiedRules.filter((rule) => rule !== NoUnusedFragmentsRule && rule !== NoUnusedVariablesRule);

/** A guarded schema whose values depend only on their path, so that two executions can be compared. */
function repeatable(sdl: string, ran: string[]): GraphQLSchema {
  const schema = buildASTSchema(concatAST([directiveTypeDefs(), parse(sdl)]), { assumeValidSDL: true });
  const typeAt = ({ path }: GraphQLResolveInfo, types: readonly string[]) => {
    let sum = 0;
    for (let at: GraphQLResolveInfo['path'] | undefined = path; at !== undefined; at = at.prev) {
      for (const character of String(at.key)) sum = (sum * 31 + character.charCodeAt(0)) % 1_000_003;
    }
    return { __typename: types[sum % types.length] };
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = (_source, _args, _context, info) => {
        ran.push(`${type.name}.${field.name}`);
        if (field.name === 'id') return 'id';
        return typeAt(info, field.name === 'named' ? ['A', 'C'] : ['A', 'B', 'C']);
      };
    }
  }
  return guardSchema(schema);
}

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

test('a filtered operation has the data of one whose denied fields fail, with errors at the same paths', async () => {
  let cases = 0;
  let missing = 0;
  await fc.assert(
    fc.asyncProperty(fc.gen(), fc.subarray(['read:a', 'read:b', 'write:a', 'write:b']), async (g, held) => {
      const choose = chooser(g);
      const ran: string[] = [];
      const schema = repeatable(randomSdl(choose), ran);
      const document = parse(randomDocument(choose));
      fc.pre(validate(schema, document, RULES).length === 0);
      const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
      if (operation === undefined) throw new Error('There is an operation.');
      const variables = Object.fromEntries(VARIABLES.map((name) => [name, choose(2) === 0]));
      const principal = keyWith(held);
      const asked = { schema, document, operation, variables, principal };
      const rules = rulesOf(schema);
      const compiler = new OperationCompiler(schema, rules);
      const refusal = decide(compiler.compile(document, operation, variables).rules, principal);
      fc.pre(refusal !== null);
      const part = withoutDenied(asked, rules);
      fc.pre(part !== null);
      const run = async (one: typeof document) =>
        execute({ schema, document: one, variableValues: variables, contextValue: { principal } });

      const failing = await run(document);
      ran.length = 0;
      const denied = new Denied(part, principal, refusal);
      expect(decide(compiler.compile(denied.document, denied.operation, variables).rules, principal)).toBeNull();
      expect(validate(schema, parse(denied.source), RULES)).toEqual([]);
      const result = await run(denied.document);
      const { data, errors } = denied.complete(result.data ?? {}, ANSWER_LIMITS);
      expect(json(data)).toEqual(json(failing.data));

      const paths = (all: readonly { readonly path?: unknown }[] = []) =>
        all.map(({ path }) => JSON.stringify(path)).sort();
      if ((failing.errors ?? []).length <= 20) {
        expect(paths([...(result.errors ?? []), ...errors])).toEqual(paths(failing.errors));
      }
      for (const coordinate of ran) {
        const [type = '', field = ''] = coordinate.split('.');
        const rule = rules.fields.get(type)?.get(field);
        if (rule !== undefined) expect(decide([rule], principal)).toBeNull();
      }
      cases += 1;
      missing += errors.length;
    }),
    { numRuns: runs(150), endOnFailure: true },
  );
  expect(cases).toBe(runs(150));
  expect(missing).toBeGreaterThan(cases);
});

describe('the completion of a result', () => {
  const schema = guardSchema(
    buildASTSchema(
      concatAST([
        directiveTypeDefs(),
        parse('type T { id: ID a: Int @auth(scope: "read:a") } type Query { list: [T] @public }'),
      ]),
      { assumeValidSDL: true },
    ),
  );
  const principal = keyWith([]);
  const deniedIn = (source: string) => {
    const document = parse(source);
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('It is an operation.');
    const rules = rulesOf(schema);
    const refusal = decide(new OperationCompiler(schema, rules).compile(document, operation, {}).rules, principal);
    const part = withoutDenied({ schema, document, operation, variables: {}, principal }, rules);
    if (part === null || refusal === null) throw new Error('A part is denied.');
    return new Denied(part, principal, refusal);
  };
  const list = (length: number) => Array.from({ length }, (_, id) => ({ id }));

  it('does not change the data, which may be cached', () => {
    const data = { list: Object.freeze(list(2).map((one) => Object.freeze(one))) };
    const completed = deniedIn('{ list { id a } }').complete(Object.freeze(data), ANSWER_LIMITS);
    expect(json(completed.data)).toEqual({
      list: [
        { id: 0, a: null },
        { id: 1, a: null },
      ],
    });
  });

  it('has an error of each denied field, also after a long list', () => {
    const denied = deniedIn('{ x: list { id a } y: list { id b: a } }');
    const { errors } = denied.complete({ x: list(100), y: list(100) }, ANSWER_LIMITS);
    expect(errors).toHaveLength(20);
    expect(errors.slice(0, 2).map(({ path }) => path)).toEqual([
      ['x', 0, 'a'],
      ['y', 0, 'b'],
    ]);
  });

  it('adds no more than a response may have, in fields and bytes', () => {
    const denied = deniedIn('{ list { id a } }');
    const complete = (limits: object) => denied.complete({ list: list(100) }, { ...ANSWER_LIMITS, ...limits });
    expect(() => complete({ fields: 99 })).toThrow('The response would exceed the limit of 99 fields.');
    expect(() => complete({ bytes: 500 })).toThrow('The response would exceed the limit of 500 bytes.');
    expect(complete({ fields: 100 }).errors).toHaveLength(20);
  });

  it('removes the type names that it added, whatever keys the document uses', () => {
    const denied = deniedIn('{ latchkeyType: list { a } list { latchkeyType_: a } }');
    expect(denied.source).toContain('latchkeyType__: __typename');
    const { data } = denied.complete(
      { latchkeyType: [{ latchkeyType__: 'T' }], list: [{ latchkeyType__: 'T' }] },
      ANSWER_LIMITS,
    );
    expect(json(data)).toEqual({ latchkeyType: [{ a: null }], list: [{ latchkeyType_: null }] });
  });

  it('B29 keeps response keys that are members of Object', () => {
    const denied = deniedIn('{ __proto__: list { id __proto__: a } }');
    const sent = JSON.parse('{"__proto__":[{"id":1}]}') as Record<string, unknown>;
    expect(JSON.stringify(denied.complete(sent, ANSWER_LIMITS).data)).toBe('{"__proto__":[{"id":1,"__proto__":null}]}');
  });
});
