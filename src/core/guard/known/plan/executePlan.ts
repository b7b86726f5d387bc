import {
  defaultFieldResolver,
  getArgumentValues,
  getVariableValues,
  GraphQLError,
  locatedError,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLResolveInfo,
} from 'graphql';
import { inspect } from 'graphql/jsutils/inspect.js';
import { BYTES_PER_FIELD } from '../../answer/answerLimits.js';
import { isPromise } from '../../answer/promise.js';
import type { FieldPlan, OperationPlan, ValuePlan } from './operationPlan.js';

/** graphql-js' default. */
const MAX_COERCION_ERRORS = 50;

type Path = GraphQLResolveInfo['path'];
type Results = Record<string, unknown>;
type Method = (...given: readonly unknown[]) => unknown;

interface PlannedArgs {
  /** The source of the root fields. */
  readonly rootValue?: unknown;
  readonly contextValue: unknown;
  readonly variableValues?: Readonly<Record<string, unknown>> | undefined;
  readonly options?: ExecutionArgs['options'] | undefined;
}

/**
 * Executes a plan. The result, its errors and the calls of resolvers are those of graphql-js' `execute`, but objects have the usual
 * prototype.
 *
 * @returns not a promise unless a resolver returns one
 */
export function executePlan(
  plan: OperationPlan,
  { rootValue, contextValue, variableValues, options }: PlannedArgs,
): ExecutionResult | Promise<ExecutionResult> {
  const { variableDefinitions = [] } = plan.operation;
  // The guard keeps the budget of an execution in this object, so each execution needs its own.
  let values: Record<string, unknown> = {};
  if (variableDefinitions.length > 0) {
    const maxErrors = options?.maxCoercionErrors ?? MAX_COERCION_ERRORS;
    const { errors, coerced } = getVariableValues(plan.schema, variableDefinitions, variableValues ?? {}, {
      maxErrors,
    });
    if (coerced === undefined) return { errors };
    values = coerced;
  }
  return new Execution(plan, { rootValue, contextValue, variables: values }).run();
}

class Execution {
  readonly #plan: OperationPlan;
  readonly #root: unknown;
  readonly #context: unknown;
  readonly #variables: Record<string, unknown>;
  readonly #errors: GraphQLError[] = [];
  /** The places where errors occurred and the value is null. */
  readonly #nulled = new Set<Path | undefined>();
  /**
   * The parts of the plan that resolvers get. Each execution has its own copies, because resolvers keep values of an execution by them: the
   * guard keeps the number of fields of an entry, which depends on the variables, and others keep data loaders.
   */
  readonly #nodes = new Map<FieldPlan, readonly FieldNode[]>();
  #fragments: OperationPlan['fragments'] | null = null;

  constructor(
    plan: OperationPlan,
    given: { readonly rootValue: unknown; readonly contextValue: unknown; readonly variables: Record<string, unknown> },
  ) {
    this.#plan = plan;
    this.#root = given.rootValue;
    this.#context = given.contextValue;
    this.#variables = given.variables;
  }

  run(): ExecutionResult | Promise<ExecutionResult> {
    try {
      const data = this.#fields(this.#plan.fields, this.#root, undefined);
      if (!isPromise(data)) return this.#response(data);
      return data.then(
        (late) => this.#response(late),
        (error: unknown) => this.#failed(error),
      );
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): ExecutionResult {
    this.#report(error as GraphQLError, undefined);
    return this.#response(null);
  }

  #response(data: Results | null): ExecutionResult {
    return this.#errors.length === 0 ? { data } : { errors: this.#errors, data };
  }

  /** Adds an error, unless its value is part of a value that is already null. */
  #report(error: GraphQLError, path: Path | undefined): void {
    if (this.#nulled.size > 0) {
      for (let at = path; at !== undefined; at = at.prev) if (this.#nulled.has(at)) return;
      if (this.#nulled.has(undefined)) return;
    }
    this.#nulled.add(path);
    this.#errors.push(error);
  }

  #fields(fields: readonly FieldPlan[], source: unknown, path: Path | undefined): Results | Promise<Results> {
    const results: Results = {};
    let hasPromises = false;
    try {
      for (const field of fields) {
        const value = this.#field(field, source, path);
        results[field.key] = value;
        hasPromises ||= isLate(value);
      }
    } catch (error) {
      if (!hasPromises) throw error;
      // The promises of the other fields may be rejected, too.
      return settled(results).finally(() => {
        throw error;
      });
    }
    return hasPromises ? settled(results) : results;
  }

  #field(field: FieldPlan, source: unknown, path: Path | undefined): unknown {
    const { definition, read, value } = field;
    if (definition === null) return field.parent.name;
    if (read === null || definition.resolve !== field.resolve || typeof source !== 'object' || source === null)
      return this.#resolve(definition, field, source, path);
    if (!read.isOpen(this.#context)) return this.#resolve(definition, field, source, path);
    const { name } = definition;
    let property: unknown;
    let isObject: boolean;
    try {
      property = (source as Results)[name];
      isObject = isPlainObject(property);
    } catch (error) {
      return this.#resolve(definition, field, throwing(name, error), path);
    }
    if (property == null) {
      if (!value.isRequired) return null;
    } else if (isObject) {
      if (value.leaf === null && value.item === null) return this.#object(field, property, path);
    } else if (value.leaf !== null && isPlain(property, value)) {
      return this.#leaf(field, value.leaf, property, path);
    }
    return this.#resolve(definition, field, alreadyRead(name, property, source as Results), path);
  }

  /** Completes a plain value. */
  #leaf(field: FieldPlan, leaf: GraphQLLeafType, value: unknown, path: Path | undefined): unknown {
    if (field.value.isText && typeof value === 'string') return value;
    try {
      const result = serialized(leaf, value);
      if (!isLate(result)) return result;
      return result.then(undefined, (error: unknown) => this.#handle(error, field, field.value, pathOf(field, path)));
    } catch (error) {
      return this.#handle(error, field, field.value, pathOf(field, path));
    }
  }

  /** Completes an object. */
  #object(field: FieldPlan, value: object, parent: Path | undefined): unknown {
    const path = pathOf(field, parent);
    try {
      const completed = this.#fields(field.value.fields, value, path);
      if (!isLate(completed)) return completed;
      return completed.then(undefined, (error: unknown) => this.#handle(error, field, field.value, path));
    } catch (error) {
      return this.#handle(error, field, field.value, path);
    }
  }

  #resolve(
    definition: GraphQLField<unknown, unknown>,
    field: FieldPlan,
    source: unknown,
    parent: Path | undefined,
  ): unknown {
    const { value, nodes } = field;
    const path = pathOf(field, parent);
    const info = this.#info(definition, field, path);
    try {
      const [node] = nodes as [FieldNode];
      const args = definition.args.length === 0 ? {} : getArgumentValues(definition, node, this.#variables);
      const result = (definition.resolve ?? defaultFieldResolver)(source, args, this.#context, info);
      const completed = isPromise(result)
        ? result.then((late) => this.#complete(field, value, path, late))
        : this.#complete(field, value, path, result);
      if (!isLate(completed)) return completed;
      return completed.then(undefined, (error: unknown) => this.#handle(error, field, value, path));
    } catch (error) {
      return this.#handle(error, field, value, path);
    }
  }

  #info(definition: GraphQLField<unknown, unknown>, field: FieldPlan, path: Path): GraphQLResolveInfo {
    const { schema, fragments, operation } = this.#plan;
    this.#fragments ??= Object.assign(Object.create(null) as typeof fragments, fragments);
    return {
      fieldName: definition.name,
      fieldNodes: this.#nodesOf(field),
      returnType: definition.type,
      parentType: field.parent,
      path,
      schema,
      fragments: this.#fragments,
      rootValue: this.#root,
      operation,
      variableValues: this.#variables,
    };
  }

  /** Returns the same array for all entries of a list. */
  #nodesOf(field: FieldPlan): readonly FieldNode[] {
    let nodes = this.#nodes.get(field);
    if (nodes === undefined) this.#nodes.set(field, (nodes = [...field.nodes]));
    return nodes;
  }

  #complete(field: FieldPlan, value: ValuePlan, path: Path, result: unknown): unknown {
    if (result instanceof Error) throw result;
    const completed = result == null ? null : this.#present(field, value, path, result);
    if (completed === null && value.isRequired) {
      throw new Error(
        `Cannot return null for non-nullable field ${field.parent.name}.${field.definition?.name ?? field.key}.`,
      );
    }
    return completed;
  }

  #present(field: FieldPlan, value: ValuePlan, path: Path, result: unknown): unknown {
    if (value.item !== null) return this.#list(field, value.item, path, result);
    if (value.leaf === null) return this.#fields(value.fields, result, path);
    return value.isText && typeof result === 'string' ? result : serialized(value.leaf, result);
  }

  #list(field: FieldPlan, item: ValuePlan, path: Path, result: unknown): unknown {
    if (!isIterable(result)) {
      throw new GraphQLError(
        `Expected Iterable, but did not find one for field "${field.parent.name}.${field.definition?.name ?? field.key}".`,
      );
    }
    const entries: unknown[] = [];
    let hasPromises = false;
    try {
      for (const entry of result) {
        const completed = this.#entry(field, item, { prev: path, key: entries.length, typename: undefined }, entry);
        entries.push(completed);
        hasPromises ||= isLate(completed);
      }
    } catch (error) {
      // Nothing waits for the earlier entries any more. An unhandled rejection would end the process, as it does with graphql-js 16.
      for (const entry of entries) if (isLate(entry)) entry.then(undefined, () => undefined);
      throw error;
    }
    return hasPromises ? Promise.all(entries) : entries;
  }

  #entry(field: FieldPlan, item: ValuePlan, path: Path, entry: unknown): unknown {
    try {
      const completed = isPromise(entry)
        ? entry.then((late) => this.#complete(field, item, path, late))
        : this.#complete(field, item, path, entry);
      if (!isLate(completed)) return completed;
      return completed.then(undefined, (error: unknown) => this.#handle(error, field, item, path));
    } catch (error) {
      return this.#handle(error, field, item, path);
    }
  }

  #handle(error: unknown, field: FieldPlan, { isRequired }: ValuePlan, path: Path): null {
    const located = locatedError(error, this.#nodesOf(field), keysOf(path));
    if (isRequired) throw located;
    this.#report(located, path);
    return null;
  }
}

/** Returns whether a value is an object to select fields from, as opposed to a promise or an error. @throws what `then` throws */
function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Error) && !isPromise(value);
}

/**
 * Returns a source with a property that was already read, so that the resolver does not compute it again. A method is read from its object
 * a second time, as graphql-js does.
 */
function alreadyRead(name: string, property: unknown, source: Results): Results {
  if (typeof property !== 'function') return { [name]: property };
  return { [name]: (...given: readonly unknown[]) => (source[name] as Method)(...given) };
}

/** Returns a source whose property throws the error that reading the original one threw. */
function throwing(name: string, error: unknown): Results {
  return Object.defineProperty({}, name, {
    get: () => {
      throw error;
    },
  });
}

/** A guarded resolver that only reads a property returns such a value and does nothing else. */
function isPlain(value: unknown, { isSized }: ValuePlan): boolean {
  if (typeof value === 'string') return !isSized || value.length < BYTES_PER_FIELD;
  return typeof value === 'number' || typeof value === 'boolean';
}

function serialized(leaf: GraphQLLeafType, value: unknown): unknown {
  const result: unknown = leaf.serialize(value);
  if (result != null) return result;
  throw new Error(
    `Expected \`${inspect(leaf)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(result)}`,
  );
}

function pathOf({ key, parent }: FieldPlan, prev: Path | undefined): Path {
  return { prev, key, typename: parent.name };
}

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: Path | undefined = path; at !== undefined; at = at.prev) keys.push(at.key);
  return keys.reverse();
}

/** Like {@link isPromise}, and fast for most values. */
function isLate(value: unknown): value is Promise<unknown> {
  return (typeof value === 'object' || typeof value === 'function') && isPromise(value);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof value === 'object' && typeof (value as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function'
  );
}

/** Replaces promises with their values. */
async function settled(results: Results): Promise<Results> {
  const values = await Promise.all(Object.values(results));
  for (const [i, key] of Object.keys(results).entries()) results[key] = values[i];
  return results;
}
