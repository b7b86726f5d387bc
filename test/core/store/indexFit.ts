/**
 * Decides by MongoDB's rules whether an index serves a command: first equality, then the order, then a range. The plans
 * of the engine in the tests say little about MongoDB's: DocumentDB sorts what it reads, unless it has an extension.
 */

export interface Index {
  readonly name?: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean;
  readonly partialFilterExpression?: Conditions;
}

export type Conditions = Readonly<Record<string, unknown>>;

export interface Shape {
  readonly filter: Conditions;
  readonly sort: Readonly<Record<string, number>>;
  readonly limit?: number;
  /** The name of the only index to consider. */
  readonly hint?: string;
}

/**
 * `scan`: reads the whole collection. `sort`: sorts in memory. Otherwise the fields that it filters among all documents
 * of a tenant.
 */
export type Fault = 'scan' | 'sort' | { readonly looksThrough: readonly string[] };

/**
 * Fields that many documents of a tenant share, so that equality with them still leaves all of the tenant's documents.
 */
const TENANT = ['workspaceId', 'projectId'];

/** @returns the fault of the best plan; null: an index serves the command */
export function faultOf(shape: Shape, indexes: readonly Index[]): Fault | null {
  const { fields, branches } = flattened(shape.filter);
  const usable = indexes.filter(({ name }) => shape.hint === undefined || name === shape.hint);
  const faults = usable.map((index) => faultBy(index, fields, shape));
  const unsorted = Object.keys(shape.sort).length === 0;
  // Each branch of an $or uses a separate index; the results are not sorted.
  for (const each of unsorted ? branches : []) {
    const joined = [...fields].flatMap(([name, conditions]) => conditions.map((condition) => ({ [name]: condition })));
    const others = branches.filter((other) => other !== each).map(($or) => ({ $or }));
    const ofBranches = each.map((branch) =>
      faultOf({ ...shape, filter: { $and: [...joined, branch, ...others] } }, indexes),
    );
    faults.push(worst(ofBranches, 'worst'));
  }
  return worst(faults, 'best');
}

/** Among equal ones: those with fewer fields to filter. */
function worst(faults: readonly (Fault | null)[], wanted: 'best' | 'worst'): Fault | null {
  const rank = (fault: Fault | null): number => {
    if (fault === null) return 0;
    if (typeof fault === 'object') return fault.looksThrough.length;
    return fault === 'sort' ? 1_000 : 2_000;
  };
  const sorted = faults.toSorted((a, b) => rank(a) - rank(b));
  const found = wanted === 'best' ? sorted[0] : sorted.at(-1);
  return found === undefined ? 'scan' : found;
}

/** Conditions by field, joined by $and; conditions joined by $or are separate. */
function flattened(filter: Conditions): {
  readonly fields: Map<string, unknown[]>;
  readonly branches: Conditions[][];
} {
  const fields = new Map<string, unknown[]>();
  const branches: Conditions[][] = [];
  const add = (part: Conditions): void => {
    for (const [name, condition] of Object.entries(part)) {
      if (name === '$and') for (const each of condition as Conditions[]) add(each);
      else if (name === '$or') branches.push(condition as Conditions[]);
      else fields.set(name, [...(fields.get(name) ?? []), condition]);
    }
  };
  add(filter);
  return { fields, branches };
}

const isOperators = (condition: unknown): condition is Conditions =>
  typeof condition === 'object' &&
  condition !== null &&
  !(condition instanceof Date) &&
  Object.keys(condition).some((name) => name.startsWith('$'));

/** Also $in: with up to 200 values, MongoDB reads the index once for each and merges the results in order. */
const isEquality = (condition: unknown): boolean => !isOperators(condition) || '$eq' in condition || '$in' in condition;

/** Whether the command excludes everything that a partial index excludes. */
function implies(conditions: readonly unknown[], needed: unknown): boolean {
  return conditions.some((condition) => {
    const operators = isOperators(condition) ? condition : { $eq: condition };
    const { $eq, $gte = $eq, $lt, $exists } = operators;
    const isValue = $eq !== undefined && $eq !== null;
    if (!isOperators(needed)) return $eq === needed;
    if (needed.$exists === true) return isValue || $exists === true;
    const isAbove = isAtMost(needed.$gte, $gte);
    return isAbove && (needed.$lt === undefined || isAtMost($lt, needed.$lt));
  });
}

function isAtMost(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a <= b;
  return typeof a === 'string' && typeof b === 'string' && a <= b;
}

function faultBy(index: Index, fields: ReadonlyMap<string, unknown[]>, { filter, sort, limit }: Shape): Fault | null {
  const { key, unique = false, partialFilterExpression: partial = {} } = index;
  if (!Object.entries(partial).every(([name, needed]) => implies(fields.get(name) ?? [], needed))) return 'scan';
  const isEqual = (name = ''): boolean => fields.get(name)?.some(isEquality) === true;
  const names = Object.keys(key);
  const order = Object.entries(sort).filter(([name]) => !isEqual(name));
  let at = 0;
  while (at < names.length && isEqual(names[at])) at++;
  const equal = names.slice(0, at);
  const isBounded = at > 0 || fields.has(names[0] ?? '');
  const isOrdered = inOrder(names.slice(at), key, order);
  if (!isBounded && !(isOrdered && order.length > 0 && limit !== undefined && limit > 0)) return 'scan';
  if (!isOrdered) return 'sort';
  if ((unique && at === names.length) || !equal.every((name) => TENANT.includes(name))) return null;
  const left = new Set([...fields.keys(), ...namesOfBranches(filter)].filter((name) => !names.includes(name)));
  for (const name of Object.keys(partial)) left.delete(name);
  return left.size === 0 ? null : { looksThrough: [...left].toSorted() };
}

function inOrder(names: readonly string[], key: Index['key'], order: readonly (readonly [string, number])[]): boolean {
  const turns = order.map(([name, direction], i) =>
    names[i] === name ? Math.sign(Number(key[name])) * Math.sign(direction) : 0,
  );
  return turns.every((turn) => turn !== 0 && turn === turns[0]);
}

function namesOfBranches(filter: Conditions): string[] {
  return flattened(filter).branches.flatMap((each) => each.flatMap((branch) => [...flattened(branch).fields.keys()]));
}
