import { Kind, parse, type DocumentNode, type OperationDefinitionNode } from 'graphql';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { ownSchema } from '../../bypass/own.js';

const schema = ownSchema(`
  type Query { open: Int @public node: Node @public found: Found @public query: Query! @public report: Report @auth }
  interface Node { id: ID }
  union Found = Report | Note
  type Report implements Node @auth(scope: "read:reports") { id: ID salary: Int @auth(scope: "read:salaries") }
  type Note implements Node { id: ID secret: Int @auth(scope: "read:secrets") report: Report }
`);
const rules = readRules(schema);

function compile(
  source: string | DocumentNode,
  variables: Record<string, unknown> = {},
  compiler = new OperationCompiler(schema, rules),
  index = 0,
) {
  const document = typeof source === 'string' ? parse(source) : source;
  const operation = document.definitions[index];
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('There is no operation there.');
  return compiler.compile(document, operation, variables);
}

const coordinates = (source: string, variables?: Record<string, unknown>) =>
  compile(source, variables).rules.map(({ coordinate }) => coordinate);

describe('OperationCompiler', () => {
  it.each([
    ['{ open }', []],
    ['{ report { id } }', ['Query.report', 'Report.id']],
    ['{ report { __typename } }', ['Query.report']],
    ['{ node { id } }', ['Report.id']],
    ['{ node { __typename } }', []],
    ['{ node { ... on Note { id } } }', []],
    ['{ node { ... on Note { secret } } }', ['Note.secret']],
    ['{ node { ... on Note { report { salary } } } }', ['Note.report', 'Report.salary']],
    ['{ found { ... on Report { __typename } } }', ['Report']],
    ['{ found { ... on Node { id } } }', ['Report.id']],
    ['{ found { ... on Node { ... on Note { id } } } }', []],
    ['{ query { query { report { id } } } }', ['Query.report', 'Report.id']],
    [
      '{ ...F } fragment F on Query { report { ...G } } fragment G on Report { salary }',
      ['Query.report', 'Report', 'Report.salary'],
    ],
    ['{ open ...F @skip(if: true) } fragment F on Query { report { id } }', []],
  ])('%s meets %j', (source, expected) => {
    expect(coordinates(source)).toEqual(expected);
  });

  it('meets each rule once, however often it is selected', () => {
    expect(coordinates('{ a: report { id x: id } b: report { id } }')).toEqual(['Query.report', 'Report.id']);
  });

  it.each([
    ['{ __schema { queryType { name } } }', true],
    ['{ open: __type(name: "Query") { name } }', true],
    ['{ query { ...F } } fragment F on Query { x: __schema { queryType { name } } }', true],
    ['{ __schema @skip(if: true) { queryType { name } } open }', false],
    ['{ __typename open }', false],
    ['{ __schema: open }', false],
    ['{ ...__schema } fragment __schema on Query { open }', false],
  ])('%s introspects: %s', (source, introspects) => {
    expect(compile(source).introspects).toBe(introspects);
  });

  it('only checks the selected operation', () => {
    const document = parse('query A { open } query B { report { id } }');
    const compiler = new OperationCompiler(schema, rules);
    expect(compile(document, {}, compiler, 0).rules).toEqual([]);
    expect(compile(document, {}, compiler, 1).rules).toHaveLength(2);
    expect(compile(document, {}, compiler, 0).rules).toEqual([]);
  });

  it('caches a document for each combination of its conditions', () => {
    const document = parse('query ($v: Boolean!, $id: ID) { open report @include(if: $v) { id } }');
    const compiler = new OperationCompiler(schema, rules);
    const [asked, left] = [compile(document, { v: true }, compiler), compile(document, { v: false }, compiler)];
    expect(asked.rules).toHaveLength(2);
    expect(left.rules).toEqual([]);
    expect(compile(document, { v: true, id: 'another' }, compiler)).toBe(asked);
    expect(compile(document, { v: false }, compiler)).toBe(left);
    expect(compile(parse('query ($v: Boolean!) { report @include(if: $v) { id } }'), { v: true }, compiler)).not.toBe(
      asked,
    );
  });

  it('is correct for more combinations than it caches', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const document = parse(
      `query (${names.map((name) => `$${name}: Boolean!`).join(' ')}) { open ${names.map((name) => `${name}: report @include(if: $${name}) { id }`).join(' ')} }`,
    );
    const compiler = new OperationCompiler(schema, rules);
    for (const round of [0, 1]) {
      for (let setting = 0; setting < 64; setting++) {
        const variables = Object.fromEntries(names.map((name, i) => [name, (setting & (1 << i)) !== 0]));
        expect([round, compile(document, variables, compiler).rules.length > 0]).toEqual([round, setting > 0]);
      }
    }
  });

  it('an operation type that the schema does not support meets no rule and costs one', () => {
    expect(compile('mutation { open }')).toEqual({
      rules: [],
      counted: { name: null, roots: [], fields: [] },
      cost: 1,
      weighed: null,
      tokens: 0,
      category: 'write',
      introspects: false,
      inputs: null,
      readsSdl: false,
    });
  });

  it('ignores fields that do not exist', () => {
    const operation = parse('{ missing { id } ...Missing }').definitions[0] as OperationDefinitionNode;
    expect(compile({ kind: Kind.DOCUMENT, definitions: [operation] }).rules).toEqual([]);
  });
});
