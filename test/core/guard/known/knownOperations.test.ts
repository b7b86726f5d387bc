import { parse } from 'graphql';
import { KnownOperations, type KnownOperation } from '../../../../src/core/guard/known/knownOperations.js';
import { ownSchema } from '../../../bypass/own.js';

const schema = ownSchema(
  'type Query { t: T text(x: Int): String } type Mutation { m: Int } type T { id: ID t: T }',
  {},
);

function knownIn(known: KnownOperations, query: string): KnownOperation {
  const found = known.find({ query });
  if (found === null) throw new Error(`It is not known: ${query}`);
  return found;
}

test('makes the plan of an operation once', () => {
  const known = new KnownOperations(schema);
  const query = 'query A { text } query B { t { id } } mutation C { m }';
  known.remember(query, parse(query));
  const [a, b, c] = ['A', 'B', 'C'].map((operationName) => known.find({ query, operationName }));
  if (a == null || b == null || c == null) throw new Error('An operation is not known.');
  const plan = known.planOf(a);
  expect(plan?.operation).toBe(a.operation);
  expect(known.planOf(a)).toBe(plan);
  expect(known.planOf(b)?.operation).toBe(b.operation);
  expect(known.planOf(c)).toBeNull();
});

test('makes no plan of a document that was replaced', () => {
  const known = new KnownOperations(schema);
  known.remember('{ text }', parse('{ text }'));
  const before = knownIn(known, '{ text }');
  known.remember('{ text }', parse('{ text }'));
  expect(known.planOf(before)).toBeNull();
  expect(known.planOf(knownIn(known, '{ text }'))).not.toBeNull();
});

test('weighs plans: fragments make a short document large', () => {
  const known = new KnownOperations(schema);
  const levels = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];
  // 255 fields.
  const fragments = levels.map((name, i) => {
    const inner = levels[i + 1] === undefined ? 'id' : `...${levels[i + 1]}`;
    return `fragment ${name} on T { a: t { ${inner} } b: t { ${inner} } }`;
  });
  const texts = Array.from({ length: 110 }, (_, i) => `{ t${i}: t { ...A } } ${fragments.join(' ')}`);
  for (const text of texts) known.remember(text, parse(text));
  const found = (): KnownOperation[] => texts.flatMap((query) => known.find({ query }) ?? []);
  const before = found();
  expect(before).toHaveLength(texts.length);
  for (const each of before) known.planOf(each);
  expect(found().length).toBeLessThan(texts.length);
});

test('weighs the lists in the types of fields', () => {
  const bytesOf = (type: string): number => {
    const lists = ownSchema(`type Query { a: ${type} }`, {});
    const known = new KnownOperations(lists);
    known.remember('{ a }', parse('{ a }'));
    return known.planOf(knownIn(known, '{ a }'))?.bytes ?? 0;
  };
  expect(bytesOf('[[[[Int!]!]!]!]!') - bytesOf('Int')).toBeGreaterThan(400);
});

test('does not remember a document without locations, whose memory is unknown', () => {
  const known = new KnownOperations(schema);
  known.remember('{ text }', parse('{ text }', { noLocation: true }));
  expect(known.find({ query: '{ text }' })).toBeNull();
});
