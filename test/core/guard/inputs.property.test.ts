import fc from 'fast-check';
import {
  execute,
  getVariableValues,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  parse,
  parseValue,
  validate,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import { OperationCompiler } from '../../../src/core/guard/compiledOperation.js';
import { guardSchema } from '../../../src/core/guard/guard.js';
import { readVariable } from '../../../src/core/guard/inputs/readValue.js';
import { inputPlansOf } from '../../../src/core/guard/inputs/inputPlans.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import type { Rule } from '../../../src/core/guard/rules.js';
import { keyWith, ownSchema } from '../../bypass/own.js';
import { chooser, type Choose } from './documents.js';
import { randomInputSdl } from './inputSdl.js';
import { runs } from '../../support/runs.js';

interface Given {
  readonly declarations: string[];
  readonly variables: Record<string, unknown>;
}

/** A literal of a type, in which some values are variables. Adds these to `given`. */
function randomLiteral(choose: Choose, type: GraphQLInputType, depth: number, given: Given): string {
  if (given.declarations.length < 6 && choose(4) === 0) return randomVariable(choose, type, given);
  if (isNonNullType(type)) return randomLiteral(choose, type.ofType, depth, given);
  if (choose(8) === 0) return 'null';
  if (isListType(type)) {
    if (choose(3) === 0) return randomLiteral(choose, type.ofType, depth, given);
    return `[${Array.from({ length: choose(3) }, () => randomLiteral(choose, type.ofType, depth, given)).join(' ')}]`;
  }
  if (!isInputObjectType(type)) return String(choose(10));
  const fields = Object.values(type.getFields()).filter(() => depth > 0 && choose(2) === 0);
  return `{ ${fields.map((f) => `${f.name}: ${randomLiteral(choose, f.type, depth - 1, given)}`).join(' ')} }`;
}

function randomVariable(choose: Choose, type: GraphQLInputType, given: Given): string {
  const name = ['v', 'constructor', 'w', 'x', 'y', 'z'][given.declarations.length] ?? 'v';
  const nothing: Given = { declarations: Array.from({ length: 9 }, () => ''), variables: {} };
  const preset = choose(3) === 0 && !isNonNullType(type) ? `= ${randomLiteral(choose, type, 2, nothing)}` : '';
  given.declarations.push(`$${name}: ${String(type)} ${preset}`);
  if (isNonNullType(type) || choose(3) > 0) {
    const value = plain(parseValue(randomLiteral(choose, type, 3, nothing)));
    given.variables[name] = value ?? (isNonNullType(type) ? {} : null);
  }
  return `$${name}`;
}

function plain(node: ValueNode): unknown {
  if (node.kind === Kind.LIST) return node.values.map(plain);
  if (node.kind === Kind.OBJECT) {
    return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, plain(value)]));
  }
  return node.kind === Kind.INT ? Number(node.value) : null;
}

const ABSENT = Symbol('absent');

/** The simplest reading of the specification: puts variables in, and then visits everything that is left. */
function naive(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): string[] {
  const rules = readRules(schema);
  const used = new Set<string>();
  const resolve = (node: ValueNode): unknown => {
    if (node.kind === Kind.LIST) return node.values.map(resolve).map((item) => (item === ABSENT ? null : item));
    if (node.kind === Kind.OBJECT) {
      const entries = node.fields.map(({ name, value }): [string, unknown] => [name.value, resolve(value)]);
      return Object.fromEntries(entries.filter(([, value]) => value !== ABSENT));
    }
    if (node.kind !== Kind.VARIABLE) return plain(node);
    if (Object.hasOwn(variables, node.name.value)) return variables[node.name.value];
    const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === node.name.value);
    return definition?.defaultValue === undefined ? ABSENT : plain(definition.defaultValue);
  };
  const visit = (value: unknown, type: GraphQLInputType): void => {
    if (isNonNullType(type)) visit(value, type.ofType);
    else if (isListType(type)) for (const item of Array.isArray(value) ? value : [value]) visit(item, type.ofType);
    else if (isInputObjectType(type) && value !== null) {
      for (const [name, inner] of Object.entries(value as object)) {
        const rule = rules.inputs.get(type.name)?.get(name);
        if (rule !== undefined) used.add(rule.coordinate);
        const field = type.getFields()[name];
        if (field !== undefined) visit(inner, field.type);
      }
    }
  };
  const args = schema.getQueryType()?.getFields().q?.args ?? [];
  for (const selection of operation.selectionSet.selections) {
    for (const { name, value } of selection.kind === Kind.FIELD ? (selection.arguments ?? []) : []) {
      const given = resolve(value);
      if (given === ABSENT) continue;
      const rule = rules.arguments.get('Query.q')?.get(name.value);
      if (rule !== undefined) used.add(rule.coordinate);
      const argument = args.find((one) => one.name === name.value);
      if (argument !== undefined) visit(given, argument.type);
    }
  }
  return [...used].sort();
}

test('the rules of arguments are those that a naive reading finds, and the resolvers enforce the same', async () => {
  let cases = 0;
  let byVariable = 0;
  let guarded = 0;
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (g) => {
      const choose = chooser(g);
      let runs = 0;
      const schema = guardSchema(ownSchema(randomInputSdl(choose), { Query: { q: () => (runs += 1) } }));
      const rules = readRules(schema);
      const given: Given = { declarations: [], variables: {} };
      const fields = Array.from({ length: 1 + choose(2) }, (_, i) => {
        const args = (schema.getQueryType()?.getFields().q?.args ?? []).filter(() => choose(3) > 0);
        const written = args.map(({ name, type }) => `${name}: ${randomLiteral(choose, type, 3, given)}`);
        return `q${i}: q${written.length === 0 ? '' : `(${written.join(' ')})`}`;
      });
      const declared = given.declarations.length === 0 ? '' : `(${given.declarations.join(' ')})`;
      const document = parse(`query ${declared} { ${fields.join(' ')} }`);
      fc.pre(validate(schema, document).length === 0);
      const operation = document.definitions[0] as OperationDefinitionNode;
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given.variables);
      fc.pre(errors === undefined);
      const expected = naive(schema, operation, given.variables);
      const compiler = new OperationCompiler(schema, rules);
      const compiled = compiler.compile(document, operation, given.variables);
      expect(compiled.rules.map(({ coordinate }) => coordinate).sort()).toEqual(expected);
      // Another request of the document adds nothing to this one.
      compiler.compile(document, operation, {});
      expect(compiler.compile(document, operation, given.variables).counted.fields.toSorted()).toEqual(expected);

      const held = compiled.rules.flatMap(({ requirement }) => requirement.anyOf.flat().map(({ text }) => text));
      const ask = (scopes: readonly string[]) =>
        execute({
          schema,
          document,
          variableValues: given.variables,
          contextValue: { principal: keyWith(scopes) },
        });
      const allowed = await ask(held);
      for (const { extensions } of allowed.errors ?? []) expect(extensions.code).toBeUndefined();
      // An argument can be invalid although the document is valid: a null for a variable with a default.
      fc.pre(allowed.errors === undefined);
      expect(runs).toBe(fields.length);
      cases += 1;
      byVariable += compiled.inputs === null ? 0 : 1;
      const [first] = held;
      if (first === undefined) return;
      guarded += 1;
      runs = 0;
      const refused = await ask(held.filter((scope) => scope !== first));
      // The guards of resolvers only differ for a null that is also the default, which has the same effect.
      if (refused.errors !== undefined) expect(runs).toBeLessThan(fields.length);
      else expect(JSON.stringify([given.variables, fields, given.declarations])).toContain('null');
    }),
    { numRuns: runs(400), endOnFailure: true },
  );
  expect(cases).toBe(runs(400));
  expect(byVariable).toBeGreaterThan(cases / 10);
  expect(guarded).toBeGreaterThan(cases / 4);
});

describe('a large value', () => {
  const schema = ownSchema('input In { in: In all: [In] secret: Int @auth } type Query { q(in: In): Int @public }');
  const plan = inputPlansOf(schema, readRules(schema)).fields.get('Query')?.get('q')?.get('in')?.within;
  const read = (value: unknown): number => {
    if (plan == null) throw new Error('The argument is checked.');
    const used = new Set<Rule>();
    readVariable(value, plan, used);
    return used.size;
  };

  it('is read to any depth without exhausting the stack', () => {
    const nested = (leaf: object): object => {
      let value = leaf;
      for (let depth = 0; depth < 200_000; depth += 1) value = depth % 2 === 0 ? { in: value } : { all: [value] };
      return value;
    };
    expect(read(nested({}))).toBe(0);
    expect(read(nested({ secret: null }))).toBe(1);
  });

  it('with more than a million values counts as using every field', () => {
    expect(read({ all: Array.from({ length: 400_000 }, () => ({})) })).toBe(0);
    expect(read({ all: Array.from({ length: 1_200_000 }, () => ({})) })).toBe(1);
    const cyclic: Record<string, unknown> = {};
    cyclic.in = cyclic;
    expect(read(cyclic)).toBe(1);
  });

  it('that is an iterable counts as using every field, because some can be read only once', () => {
    expect(read({ all: new Set() })).toBe(1);
  });

  it('has no plan if its type leads to no rule, so that it is not read', () => {
    const other = ownSchema('input A { a: A } input B { b: Int @auth } type Query { q(a: A, b: B): Int @public }');
    const steps = inputPlansOf(other, readRules(other)).fields.get('Query')?.get('q');
    expect([...(steps?.keys() ?? [])]).toEqual(['b']);
    const open = ownSchema('input A { a: A } type Query { q(a: A): Int @public }');
    expect(inputPlansOf(open, readRules(open)).fields.size).toBe(0);
    const document = parse('query ($a: A) { q(a: $a) }');
    const operation = document.definitions[0] as OperationDefinitionNode;
    const compiler = new OperationCompiler(open, readRules(open));
    expect(compiler.compile(document, operation, { a: {} }).inputs).toBeNull();
  });
});
