import fc from 'fast-check';
import {
  execute,
  getOperationAST,
  GraphQLError,
  GraphQLScalarType,
  parse,
  validate,
  type ExecutionResult,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { executePlan } from '../../../../src/core/guard/known/plan/executePlan.js';
import { planOf } from '../../../../src/core/guard/known/plan/operationPlan.js';
import { guardResolvers } from '../../../../src/core/guard/guardedResolvers.js';
import { readRules } from '../../../../src/core/guard/readRules.js';
import { keyWith, ownSchema } from '../../../bypass/own.js';
import { chooser, type Choose } from '../documents.js';
import { runs } from '../../../support/runs.js';

const SDL = /* GraphQL */ `
  scalar Any
  enum Colour {
    RED
    GREEN
  }
  interface Node {
    id: ID!
  }
  input In {
    x: Int = 3
    names: [String!]
  }
  type Query {
    one: Thing @public
    sure: Thing! @public
    many(first: Int): [Thing] @public
    strict: [Thing!]! @public
    text: String @public
  }
  type Thing implements Node {
    id: ID!
    name: String
    need: String!
    count: Int
    ratio: Float!
    flag: Boolean
    colour: Colour
    any: Any
    secret: String @auth(scope: "read:a")
    hidden: Int @auth(scope: "read:b")
    tags: [String]
    grid: [[Int!]]
    one: Thing
    sure: Thing!
    many: [Thing]
    strict: [Thing!]!
    called(x: Int = 1, in: In, must: Int! = 2): String
    read(must: Int! = 2): String
    late: Int
  }
`;

const LEAVES = [
  'id',
  'name',
  'need',
  'count',
  'ratio',
  'flag',
  'colour',
  'any',
  'secret',
  'hidden',
  'tags',
  'grid',
  'late',
  'read',
];
const OBJECTS = ['one', 'sure', 'many', 'strict'];
const ROOTS = [...OBJECTS, 'text'];
const LISTS: Readonly<Record<string, 1 | 2>> = { tags: 1, grid: 2, many: 1, strict: 1 };
const LONG = 'long '.repeat(200);

/** A promise that is rejected. As a property, it is created when it is read: otherwise nobody would handle it if it is not. */
const REJECTED = Symbol('rejected');

/** A property that throws, or a promise that is rejected. */
const THROWS = Symbol('throws');

function rejected(): Promise<never> {
  return Promise.reject(new Error('rejected'));
}

function throws(): never {
  throw new Error('thrown by a property');
}

/** As an entry of a list, or the value of a promise. */
function handled(value: unknown): unknown {
  if (value !== REJECTED && value !== THROWS) return value;
  const late = rejected();
  late.catch(() => undefined);
  return late;
}

/** Makes a new value for each execution, because promises and iterators can be used once. */
type Recipe = (log: string[]) => unknown;

function leafOf(choose: Choose): Recipe {
  const values = [
    'text',
    LONG,
    'RED',
    '7',
    7,
    -1,
    1.5,
    Number.NaN,
    true,
    false,
    null,
    undefined,
    { a: 1 },
    [],
    new Date(0),
  ];
  const value = values[choose(values.length)];
  return () => value;
}

/** Returns a value as it is, late, as a method or as a failure. */
function dressed(inner: Recipe, choose: Choose): Recipe {
  switch (choose(24)) {
    case 0:
      return async (log) => handled(inner(log));
    case 1:
      return () => REJECTED;
    case 2:
      return (log) => (args: unknown) => (log.push(`method ${JSON.stringify(args)}`), handled(inner(log)));
    case 3:
      return () => () => {
        throw new Error('thrown');
      };
    case 4:
      return () => new Error('returned');
    case 5:
      return () => null;
    case 6:
      return () => undefined;
    case 7:
      return () => new GraphQLError('own', { extensions: { code: 'OWN' } });
    case 8:
      return () => THROWS;
    default:
      return inner;
  }
}

function listOf(entry: () => Recipe, choose: Choose): Recipe {
  const entries = Array.from({ length: choose(4) }, entry);
  switch (choose(6)) {
    case 0:
      return (log) => new Set(entries.map((make) => handled(make(log))));
    case 1:
      return (log) =>
        (function* () {
          for (const make of entries) yield handled(make(log));
        })();
    case 2:
      return leafOf(choose);
    default:
      return (log) => entries.map((make) => handled(make(log)));
  }
}

function thingOf(choose: Choose, depth: number): Recipe {
  const fields = [...LEAVES, ...(depth > 0 ? OBJECTS : [])].map((name) => {
    const single = (): Recipe => dressed(OBJECTS.includes(name) ? thingOf(choose, depth - 1) : leafOf(choose), choose);
    const lists = LISTS[name] ?? 0;
    const list = (): Recipe => dressed(listOf(single, choose), choose);
    return [name, lists === 2 ? dressed(listOf(list, choose), choose) : lists === 1 ? list() : single()] as const;
  });
  const isComputed = choose(2) === 0;
  return (log) => {
    const thing = {};
    for (const [name, make] of fields) {
      const value = make(log);
      if (value === REJECTED) Object.defineProperty(thing, name, { get: rejected });
      else if (value === THROWS) Object.defineProperty(thing, name, { get: throws });
      else if (!isComputed) Object.assign(thing, { [name]: value });
      else Object.defineProperty(thing, name, { enumerable: true, get: () => (log.push(`read ${name}`), value) });
    }
    return thing;
  };
}

const aliasOf = (choose: Choose): string => ['', '', `a${choose(2)}: `][choose(3)] ?? '';

function selectionOf(choose: Choose, depth: number, isRoot = false): string {
  const parts = Array.from({ length: 1 + choose(5) }, () => {
    const kind = choose(12);
    if (kind === 0) return `${aliasOf(choose)}__typename`;
    if (kind === 1) return `... on ${isRoot ? 'Query' : ['Thing', 'Node'][choose(2)]} { ${isRoot ? 'text' : 'id'} }`;
    if (kind === 2) return `... { ${selectionOf(choose, depth, isRoot)} }`;
    if (kind === 3 && !isRoot) return '...F';
    if (kind < 7 && depth > 0) {
      const name = OBJECTS[choose(OBJECTS.length)] ?? 'one';
      const args = isRoot && name === 'many' ? ['', '(first: $n)', '(first: 2)'][choose(3)] : '';
      return `${aliasOf(choose)}${name}${args} { ${selectionOf(choose, depth - 1)} }`;
    }
    if (isRoot) return `${aliasOf(choose)}text`;
    if (kind === 8) return `${aliasOf(choose)}read${['', '(must: $m)', '(must: 1)'][choose(3)]}`;
    if (kind === 7) {
      const args = ['', '(x: 5)', '(x: $n)', '(in: { names: ["a"] })', '(in: { x: $n }, x: null)', '(must: $m)'];
      return `${aliasOf(choose)}called${args[choose(args.length)]}`;
    }
    return `${aliasOf(choose)}${LEAVES[choose(LEAVES.length)]}`;
  });
  return parts.join(' ');
}

/** graphql-js 16 forgets the promises of a list if a later entry throws. Then their rejections are unhandled. */
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
let others: NodeJS.UnhandledRejectionListener[];
beforeEach(() => {
  others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  for (const other of others) process.on('unhandledRejection', other);
});

interface Ran {
  readonly result: unknown;
  readonly log: readonly string[];
}

interface Given {
  /** The recipe of each root field. */
  roots: Readonly<Record<string, Recipe>>;
  log: string[];
}

/** Its resolvers note each call with what they get. One schema serves all operations, as in a server. */
function schemaOf(given: Given): GraphQLSchema {
  const noteCall = (args: unknown, info: GraphQLResolveInfo): void => {
    const keys: unknown[] = [];
    for (let at: typeof info.path | undefined = info.path; at !== undefined; at = at.prev)
      keys.push(at.key, at.typename);
    const { fieldName, fieldNodes, parentType, returnType, rootValue } = info;
    given.log.push(
      JSON.stringify([fieldName, fieldNodes.length, parentType.name, String(returnType), rootValue, args, keys]),
    );
  };
  return ownSchema(SDL, {
    Any: new GraphQLScalarType({ name: 'Any', serialize: (value) => (value === 7 ? null : value) }),
    Query: Object.fromEntries(
      ROOTS.map((name) => [
        name,
        (_source: unknown, args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
          noteCall(args, info);
          const value = given.roots[name]?.(given.log);
          if (value === REJECTED) return rejected();
          if (value === THROWS) return throws();
          return typeof value === 'function' ? (value as (args: unknown) => unknown)(args) : value;
        },
      ]),
    ),
    Thing: {
      called: (_source: unknown, args: { x?: number }, _context: unknown, info: GraphQLResolveInfo) => {
        noteCall(args, info);
        if (args.x === 5) throw new Error('five');
        return `called with ${args.x}`;
      },
      late: async (source: { late?: unknown }, args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
        noteCall(args, info);
        return source.late;
      },
    },
  });
}

const LIMITS = [50_000, 60, 12];

/** Half of them are valid. */
const RUNS = runs(150);

describe('a planned operation', () => {
  it.each(['guarded', 'plain'])(
    'has the result, the errors and the calls of graphql-js on a %s schema',
    async (kind) => {
      let [planned, failed, late] = [0, 0, 0];
      const given: Given = { roots: {}, log: [] };
      const schemas = new Map<string, GraphQLSchema>();
      const schemaFor = (by: string, fields: number): GraphQLSchema => {
        const name = `${by} ${fields}`;
        const schema = schemas.get(name) ?? schemaOf(given);
        if (!schemas.has(name) && kind === 'guarded') guardResolvers(schema, readRules(schema), { fields, bytes: 1e6 });
        schemas.set(name, schema);
        return schema;
      };
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (g) => {
          const choose = chooser(g);
          const source = `query ($n: Int, $m: Int = 4) { ${selectionOf(choose, 3, true)} } fragment F on Thing { ${selectionOf(choose, 1).replaceAll('...F', 'id')} }`;
          const document = parse(source);
          const roots = {
            text: dressed(leafOf(choose), choose),
            one: dressed(thingOf(choose, 2), choose),
            sure: dressed(thingOf(choose, 2), choose),
            many: dressed(
              listOf(() => dressed(thingOf(choose, 1), choose), choose),
              choose,
            ),
            strict: dressed(
              listOf(() => dressed(thingOf(choose, 1), choose), choose),
              choose,
            ),
          };
          const variableValues = [{}, { n: 1 }, { n: 5, m: null }, { n: 'wrong' }][choose(4)];
          const fields = LIMITS[choose(LIMITS.length)] ?? 0;
          const contextValue = { principal: keyWith(choose(3) === 0 ? ['read:a'] : ['read:a', 'read:b']) };
          const run = async (by: 'plan' | 'graphql'): Promise<Ran | null> => {
            const log: string[] = [];
            given.log = log;
            given.roots = roots;
            const schema = schemaFor(by, fields);
            const errors = validate(schema, document).filter(({ message }) => !message.includes('never used'));
            if (errors.length > 0) return null;
            const operation = getOperationAST(document);
            const plan = operation && planOf(schema, document, operation);
            if (plan == null) throw new Error(`There is no plan of ${source}`);
            // Twice: the guard remembers what it has seen.
            let result: ExecutionResult = {};
            for (let i = 0; i < 2; i += 1) {
              const running =
                by === 'plan'
                  ? executePlan(plan, { contextValue, variableValues })
                  : execute({ schema, document, contextValue, variableValues });
              log.push(running instanceof Promise ? 'late' : 'at once');
              if (running instanceof Promise) late += 1;
              result = await running;
              await new Promise(setImmediate);
            }
            if (by === 'plan') expect(unhandled).toEqual([]);
            unhandled.length = 0;
            return { result: JSON.parse(JSON.stringify(result)), log };
          };
          const ours = await run('plan');
          if (ours === null) return;
          planned += 1;
          expect(ours).toEqual(await run('graphql'));
          if ((ours.result as ExecutionResult).errors !== undefined) failed += 1;
        }),
        { numRuns: RUNS, seed: 20_261_130, endOnFailure: true },
      );
      expect(planned).toBeGreaterThan(RUNS / 4);
      expect(failed).toBeGreaterThan(RUNS / 10);
      expect(late).toBeGreaterThan(RUNS / 10);
    },
  );
});
