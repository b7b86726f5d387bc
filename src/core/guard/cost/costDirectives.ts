import type { GraphQLSchema } from 'graphql';
import { appliedDirectives, type Annotated, type Applied } from '../appliedDirectives.js';
import { linkedNames } from '../federation/linkedNames.js';

/** Costs are integers, so that sums are exact: this many for a weight of 1. */
export const UNIT = 1_000;

/** The largest weight of a part of a schema. */
const MOST = 1_000_000;

/** The largest size that a directive can assume: the largest Int of GraphQL. */
const LARGEST = 2 ** 31 - 1;

export const COST = 'cost';
export const LIST_SIZE = 'listSize';

type CostDirective = typeof COST | typeof LIST_SIZE;

/** The names that both directives have in a schema. */
type CostNames = ReadonlyMap<string, CostDirective>;

/** A supergraph links to the specification of these directives, and a subgraph to the Federation specification. */
const SPECIFICATION = /\/(federation|cost)\/v\d+(?:\.\d+)*\/?$/;

/** The arguments by which a declaration is recognized. Other tools have directives of the same name, with other arguments. */
const RECOGNIZED: Readonly<Record<CostDirective, readonly string[]>> = {
  cost: ['weight'],
  listSize: ['assumedSize', 'slicingArguments'],
};

/** Returns whether a declaration defines one of these directives, under its own name. */
export function isCostDirective(name: string, args: readonly string[]): boolean {
  if (name !== COST && name !== LIST_SIZE) return false;
  return args.some((arg) => RECOGNIZED[name].includes(arg));
}

/** Returns the names of the cost directives in a schema. A directive that is declared in another way is not one of them. */
export function costNames(schema: GraphQLSchema): CostNames {
  const kinds = [COST, LIST_SIZE] as const;
  const names = linkedNames<CostDirective>(appliedDirectives(schema), { kinds, specification: SPECIFICATION });
  for (const { name, args } of schema.getDirectives()) {
    const kind = names.get(name);
    if (kind !== undefined && !args.some((arg) => RECOGNIZED[kind].includes(arg.name))) names.delete(name);
  }
  return names;
}

/** The arguments of `@listSize`. */
export interface ListSizeArguments {
  readonly assumedSize: number | null;
  readonly slicingArguments: readonly string[];
  /** If empty, the size applies to the field itself. */
  readonly sizedFields: readonly string[];
  readonly requireOne: boolean;
}

/** The cost directives of a part of a schema. */
export interface PartCost {
  /** In {@link UNIT}s; null for the default. */
  readonly weight: number | null;
  readonly listSize: ListSizeArguments | null;
  /** Sentences without the coordinate. */
  readonly faults: readonly string[];
}

const NOTHING: PartCost = Object.freeze({ weight: null, listSize: null, faults: [] });

/** Reads the cost directives of a part: in SDL, in its extensions, and in `extensions.latchkey`. */
export function partCost(part: Annotated, names: CostNames): PartCost {
  if (part.astNode == null && part.extensions === undefined && part.extensionASTNodes === undefined) return NOTHING;
  const applied = appliedDirectives(part).filter(({ name }) => names.has(name));
  if (applied.length === 0) return NOTHING;
  const of = (kind: CostDirective) => applied.filter(({ name }) => names.get(name) === kind);
  const faults: string[] = [];
  const [cost, listSize] = [one(of(COST), faults), one(of(LIST_SIZE), faults)];
  return {
    weight: cost === null ? null : weightOf(cost, faults),
    listSize: listSize === null ? null : listSizeOf(listSize, faults),
    faults,
  };
}

/** A repeated directive has one effect, and nobody can see which. */
function one(applied: readonly Applied[], faults: string[]): Applied | null {
  const [first, second] = applied;
  if (second !== undefined) faults.push(`@${second.name} is applied more than once. Remove all but one`);
  return first ?? null;
}

/** The specification takes a string, Apollo Federation an Int. */
function weightOf({ name, args }: Applied, faults: string[]): number | null {
  const given = args?.weight;
  const isNumber = typeof given === 'string' ? given.trim() !== '' : typeof given === 'number';
  const units = isNumber ? Number(given) * UNIT : Number.NaN;
  // 0.29 * 1000 is not an integer.
  const rounded = Math.round(units);
  if (Math.abs(units - rounded) < 1e-6 && Math.abs(rounded) <= MOST * UNIT) return rounded + 0;
  faults.push(
    `@${name}(weight:) is ${given === undefined ? 'missing' : JSON.stringify(given)}. Allowed: a number from -${MOST} to ${MOST} with at most three decimals, such as "2.5"`,
  );
  return null;
}

function listSizeOf({ name, args }: Applied, faults: string[]): ListSizeArguments | null {
  const { assumedSize = null, slicingArguments, sizedFields, requireOneSlicingArgument = true } = args ?? {};
  const fault = (argument: string, allowed: string): null => {
    faults.push(`@${name}(${argument}:) is invalid. Allowed: ${allowed}`);
    return null;
  };
  if (args === null) return fault('assumedSize', 'the arguments of @listSize');
  if (assumedSize !== null && !isSize(assumedSize)) return fault('assumedSize', 'an integer from 0 to 2147483647');
  const [slicing, sized] = [namesIn(slicingArguments), namesIn(sizedFields)];
  if (slicing === null) return fault('slicingArguments', 'a list of names of arguments');
  if (sized === null) return fault('sizedFields', 'a list of names of fields');
  if (assumedSize === null && slicing.length === 0) {
    faults.push(`@${name} has neither assumedSize nor slicingArguments. Add one of them`);
    return null;
  }
  return {
    assumedSize,
    slicingArguments: slicing,
    sizedFields: sized,
    requireOne: slicing.length > 0 && requireOneSlicingArgument !== false,
  };
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST;
}

/** GraphQL reads a single value as a list of one. */
function namesIn(given: unknown): readonly string[] | null {
  const list: unknown = given ?? [];
  const names: readonly unknown[] = Array.isArray(list) ? list : [list];
  return names.every((name) => typeof name === 'string') ? names : null;
}
