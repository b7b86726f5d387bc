import { Kind, OperationTypeNode, parse } from 'graphql';
import { categoryOf } from '../../../src/core/guard/operationCategory.js';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { requirementOf } from '../../../src/core/guard/requirement.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { ownSchema } from '../../bypass/own.js';

const schema = ownSchema(`
  type Query {
    open: Int @public
    any: Int @auth
    orders: [Order!] @auth(scope: "read:orders")
    keys: [Int!] @auth(scope: "admin")
    node: Node @public
    export: Int @auth(scope: "write:exports")
    either: Int @auth(scope: [["read:orders"], ["admin"]])
  }
  type Mutation { order: Order @auth(scope: "write:orders") ping: Int @public rotate: Int @auth(scope: "admin") }
  type Subscription { orders: Order @auth(scope: "read:orders") keys: Int @auth(scope: "admin") }
  interface Node { id: ID }
  type Order implements Node { id: ID cost: Int @auth(scope: "admin") query: Query! }
  type Workspace implements Node @auth(scope: "platform") { id: ID }
`);
const compiler = new OperationCompiler(schema, readRules(schema));

function categoryIn(source: string, variables: Record<string, unknown> = {}): string {
  const document = parse(source);
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('There is no operation there.');
  return compiler.compile(document, operation, variables).category;
}

describe('the category of an operation', () => {
  it.each([
    ['{ open any orders { id } }', 'read'],
    ['{ __schema { queryType { name } } }', 'read'],
    ['{ either }', 'read'],
    ['subscription { orders { id } }', 'read'],
    ['mutation { ping }', 'write'],
    ['mutation { order { id } }', 'write'],
    ['{ open export }', 'write'],
    ['mutation { order { query { orders { id } } } }', 'write'],
    ['{ keys }', 'admin'],
    ['mutation { rotate }', 'admin'],
    ['subscription { keys }', 'admin'],
    // At any depth, under any alias, and through any type of the value.
    ['{ orders { id open: cost } }', 'admin'],
    ['{ orders { ...F } } fragment F on Order { query { keys } }', 'admin'],
    ['{ node { id } }', 'admin'],
    ['{ node { ... on Order { id } } }', 'read'],
    ['{ open keys @skip(if: true) }', 'read'],
  ])('of %s is %s', (source, category) => {
    expect(categoryIn(source)).toBe(category);
  });

  it('depends on the included fields', () => {
    const source = 'query ($all: Boolean!) { open keys @include(if: $all) }';
    expect([categoryIn(source, { all: false }), categoryIn(source, { all: true })]).toEqual(['read', 'admin']);
  });

  it.each([
    [[['admin']], 'admin'],
    [[['platform']], 'admin'],
    [[['read:a', 'admin']], 'admin'],
    [[['admin'], ['platform']], 'admin'],
    [[['admin'], ['write:a']], 'write'],
    [[['write:a', 'read:a']], 'write'],
    [[['deploy:a']], 'write'],
    [[['write:a'], ['read:a']], 'read'],
    [[['admin'], ['read:a']], 'read'],
    [[['read:all']], 'read'],
    [[[]], 'read'],
  ])('of a query that requires %j is %s', (scopes, category) => {
    const rule = { coordinate: 'Query.x', requirement: requirementOf(scopes) };
    expect(categoryOf(OperationTypeNode.QUERY, [rule])).toBe(category);
    const unlimited = { coordinate: 'Query.y', requirement: requirementOf([['read:b']]) };
    expect(categoryOf(OperationTypeNode.QUERY, [unlimited, rule])).toBe(category);
  });

  it('is computed once per document', () => {
    const document = parse('{ keys }');
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('There is no operation there.');
    expect(compiler.compile(document, operation, {})).toBe(compiler.compile(document, operation, {}));
  });
});
