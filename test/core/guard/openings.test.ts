import fc from 'fast-check';
import { openings } from '../../../src/core/guard/openings.js';
import { isMet } from '../../../src/core/guard/requirement.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { ruleAt } from '../../../src/core/guard/rules.js';
import { grants, requireScope } from '../../../src/core/scopes/grammar.js';
import { ownSchema } from '../../bypass/own.js';
import { chooser, randomSdl } from './documents.js';
import { runs } from '../../support/runs.js';

const opened = (sdl: string): Record<string, readonly string[]> => {
  const schema = ownSchema(sdl);
  return Object.fromEntries(openings(schema, readRules(schema)));
};

describe('what a scope opens', () => {
  const opens = opened(`
    type Query {
      orders: [Order!] @auth(scope: "read:orders")
      shop: Shop @public
      both: Int @auth(scope: [["read:orders", "read:money"]])
      either: Int @auth(scope: [["read:orders"], ["read:money"]])
      any: Int @auth
      node: Node @auth
    }
    type Mutation { order: Order @auth(scope: "write:orders") }
    type Order { id: ID price: Int @auth(scope: "read:money") }
    type Shop { name: String revenue: Int @auth(scope: "read:money") }
    type Locked implements Node @auth(scope: "read:locked") { id: ID }
    type Lost { id: ID secret: Int @auth(scope: "read:money") }
    interface Node { id: ID }`);

  it.each([
    ['its root fields, and not what only a second scope opens', 'read:orders', ['Query.orders', 'Query.either']],
    ['what stands behind an open field', 'read:money', ['Query.either', 'Shop.revenue']],
    ['a guarded type behind an interface', 'read:locked', ['Query.node', 'Locked.id']],
    ['what a mutation answers', 'write:orders', ['Mutation.order']],
    [
      'for one that covers others all of theirs together',
      'read:all',
      ['Query.orders', 'Query.both', 'Query.either', 'Query.node', 'Order.price', 'Shop.revenue', 'Locked.id'],
    ],
  ])('%s', (_, scope, coordinates) => {
    expect([...(opens[scope] ?? [])].sort()).toEqual([...coordinates].sort());
  });

  it('includes every scope that a key can have', () => {
    expect(Object.keys(opens)).toEqual([
      'admin',
      'platform',
      'read:all',
      'read:locked',
      'read:money',
      'read:orders',
      'write:all',
      'write:orders',
    ]);
  });

  it('never includes unreachable fields, or fields that need no scope', () => {
    const all = new Set(Object.values(opens).flat());
    expect([...all].filter((coordinate) => coordinate.startsWith('Lost.'))).toEqual([]);
    expect(all).not.toContain('Query.any');
  });

  it('begins with the fields of the root types', () => {
    const roots = (opens.admin ?? []).map((coordinate) => /^(Query|Mutation)\./.test(coordinate));
    expect(roots).toEqual([...roots].sort((a, b) => Number(b) - Number(a)));
    expect(roots).toContain(false);
  });
});

test('are allowed with only that scope and denied without any, and a wider scope has at least as many', () => {
  let pairs = 0;
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const schema = ownSchema(randomSdl(chooser(g)));
      const rules = readRules(schema);
      const opens = openings(schema, rules);
      for (const [scope, coordinates] of opens) {
        for (const coordinate of coordinates) {
          const requirement = ruleAt(rules, coordinate)?.requirement;
          expect(requirement !== undefined && isMet(requirement, [scope])).toBe(true);
        }
        for (const [wider, more] of opens) {
          if (!grants([wider], requireScope(scope))) continue;
          pairs += coordinates.length;
          expect(more).toEqual(expect.arrayContaining([...coordinates]));
        }
      }
    }),
    { numRuns: runs(60) },
  );
  expect(pairs).toBeGreaterThan(runs(100));
});
