import { buildSchema, execute, getIntrospectionQuery, Kind, parse, type FragmentDefinitionNode } from 'graphql';
import { refuseLargeReading } from '../../../../src/core/guard/answer/largeReading.js';
import { fullReading, IntrospectionCounter } from '../../../../src/core/guard/answer/introspectionCounter.js';
import type { DocumentNode, FieldNode, OperationDefinitionNode } from 'graphql';

const schema = buildSchema(`
  "A row." type Row { id: ID! name(upper: Boolean = false, old: Int @deprecated): String rows(first: Int): [Row!]! @deprecated }
  interface Node { id: ID! }
  type Leaf implements Node { id: ID! kind: Kind }
  enum Kind { A B C }
  input Filter { a: Int b: [Filter!] }
  union Any = Row | Leaf
  type Query { row(filter: Filter): Row node: Node any: Any }
`);

function parts(source: string) {
  const document = parse(source);
  const fragments: Record<string, FragmentDefinitionNode> = {};
  let operation: OperationDefinitionNode | null = null;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
    if (definition.kind === Kind.OPERATION_DEFINITION) operation = definition;
  }
  if (operation === null) throw new Error('no operation');
  return { document, fragments, operation };
}

/** The number of values in a response: fields, and entries of lists. */
function valuesIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((count, item) => count + 1 + valuesIn(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((count, item) => count + 1 + valuesIn(item), 0);
}

async function resolved(document: DocumentNode): Promise<number> {
  const { data, errors } = await execute({ schema, document });
  expect(errors).toBeUndefined();
  return valuesIn(JSON.parse(JSON.stringify(data)));
}

const counted = (source: string) => {
  const { fragments, operation } = parts(source);
  const nodes = operation.selectionSet.selections as FieldNode[];
  const counter = new IntrospectionCounter({ schema, fragments, variableValues: {} }, Infinity);
  const [first] = nodes;
  return 1 + counter.ofField(first?.name.value ?? '', [...nodes]);
};

describe('R2: counts introspection exactly', () => {
  it.each([
    ['types', '{ __schema { types { name kind } } }'],
    [
      'fields with arguments',
      '{ __schema { types { fields(includeDeprecated: true) { name args(includeDeprecated: true) { name type { name ofType { name } } } } } } }',
    ],
    ['aliases', '{ __schema { a: types { name } b: types { name fields(includeDeprecated: true) { name } } } }'],
    [
      'circles',
      '{ __schema { types { fields(includeDeprecated: true) { type { fields(includeDeprecated: true) { type { name } } } } } } }',
    ],
    [
      'possible types and enum values',
      '{ __schema { types { possibleTypes { name } interfaces { name } enumValues { name } inputFields { name } } } }',
    ],
    [
      'directives and roots',
      '{ __schema { queryType { name } mutationType { name } directives { name locations args { name } } } }',
    ],
    [
      'fragments',
      '{ __schema { types { ...T fields(includeDeprecated: true) { type { ...T } } } } } fragment T on __Type { name kind }',
    ],
  ])('%s', async (_, source) => {
    expect(counted(source)).toBe(await resolved(parse(source)));
  });

  it('counts __type for the largest type', async () => {
    const most = counted(
      '{ __type(name: "x") { fields(includeDeprecated: true) { name args(includeDeprecated: true) { name } } } }',
    );
    const ofRow = await resolved(
      parse(
        '{ __type(name: "__Type") { fields(includeDeprecated: true) { name args(includeDeprecated: true) { name } } } }',
      ),
    );
    expect(most).toBe(ofRow);
  });
});

describe('R2: an operation that reads the schema', () => {
  const refusal = (source: string, fields: number) => {
    const { document, operation } = parts(source);
    return refuseLargeReading({ schema, document, operation, variables: {} }, { fields, bytes: 1e6 });
  };
  const all = 'types { fields { name args { name } } }';
  const aliases = (count: number) =>
    `{ __schema { ${Array.from({ length: count }, (_, i) => `a${i}: ${all}`).join(' ')} } }`;

  it('may read all of it once', async () => {
    const standard = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect(refusal(standard, 1)).toBeNull();
    expect(fullReading(schema)).toBeGreaterThanOrEqual((await resolved(parse(standard))) - 1);
  });

  it('may not read it many times', () => {
    expect(refusal(aliases(2), 1_000)).toBeNull();
    expect(refusal(aliases(100), 1_000)?.details).toEqual({ code: 'ANSWER_TOO_LARGE', limit: 1_000, unit: 'fields' });
    expect(
      refusal(`{ ${Array.from({ length: 60 }, (_, i) => `s${i}: __schema { ${all} }`).join(' ')} }`, 1_000),
    ).not.toBeNull();
  });

  it('is checked in few steps however types refer to each other', () => {
    const deep = (depth: number): string =>
      depth === 0 ? 'name' : `fields { a: type { ${deep(depth - 1)} } b: type { ${deep(depth - 1)} } }`;
    expect(refusal(`{ __schema { types { ${deep(8)} } } }`, 1_000)).not.toBeNull();
    const fan = Array.from(
      { length: 40 },
      (_, i) => `fragment F${i} on __Type { a: ofType { ...F${i + 1} } b: ofType { ...F${i + 1} } }`,
    );
    expect(
      refusal(`{ __schema { types { ...F0 } } } ${fan.join(' ')} fragment F40 on __Type { name }`, 1_000),
    ).toBeNull();
  });
});
