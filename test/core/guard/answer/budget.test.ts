import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse, type DocumentNode, type GraphQLFieldResolver, type GraphQLResolveInfo } from 'graphql';
import { AnswerBudgets } from '../../../../src/core/guard/answer/budget.js';

const LIMITS = { fields: 10, bytes: 1_000 };
const schema = makeExecutableSchema({ typeDefs: 'type Query { one: Int, two: Int }' });

/** Returns what a resolver of a new execution is given. */
function infoOf(source: string): GraphQLResolveInfo {
  const given: GraphQLResolveInfo[] = [];
  const fieldResolver = (_source: unknown, _args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
    given.push(info);
  };
  void execute({ schema, document: parse(source), fieldResolver });
  const [first] = given;
  if (first === undefined) throw new Error('No field was resolved.');
  return first;
}

test('an execution has one budget, from which its fields are taken once', () => {
  const budgets = new AnswerBudgets(LIMITS);
  const info = infoOf('{ one two }');
  const budget = budgets.of(info);
  expect(budgets.of(info)).toBe(budget);
  expect(budget.left).toBe(8);
  expect(budgets.of(infoOf('{ one two }'))).not.toBe(budget);
});

test('other limits have another budget for the same execution', () => {
  const [own, other] = [new AnswerBudgets(LIMITS), new AnswerBudgets({ ...LIMITS, fields: 20 })];
  const info = infoOf('{ one two }');
  own.of(info).spend(8);
  expect([own.of(info).left, other.of(info).left]).toEqual([0, 18]);
  expect(() => own.of(info).spend(1)).toThrow('limit of 10 fields');
  expect(() => own.check(info)).toThrow('limit of 10 fields');
  other.check(info);
  other.of(info).spend(18);
  expect(() => other.of(info).spend(1)).toThrow('limit of 20 fields');
});

test('the budget is not visible in the variables, and works if they are frozen', () => {
  const budgets = new AnswerBudgets(LIMITS);
  const info = infoOf('{ one }');
  const variableValues = Object.freeze({ ...info.variableValues });
  const frozen = { ...info, variableValues };
  const budget = budgets.of(frozen);
  expect(Reflect.ownKeys(variableValues)).toEqual([]);
  expect(budgets.of(frozen)).toBe(budget);
});

test('a check passes as long as the fields outside of lists fit, and refuses an execution with more of them', async () => {
  const budgets = new AnswerBudgets({ ...LIMITS, fields: 1 });
  const codes = async (document: DocumentNode) => {
    const fieldResolver: GraphQLFieldResolver<unknown, unknown> = (_source, _args, _context, info) => {
      budgets.check(info);
    };
    return (await execute({ schema, document, fieldResolver })).errors?.map(({ extensions }) => extensions.code);
  };
  const [fits, tooMany] = [parse('{ one }'), parse('{ one two }')];
  for (let i = 0; i < 3; i += 1) {
    expect(await codes(fits)).toBeUndefined();
    expect(await codes(tooMany)).toEqual(['ANSWER_TOO_LARGE', 'ANSWER_TOO_LARGE']);
  }
});
