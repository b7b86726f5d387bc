import {
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isSpecifiedScalarType,
  typeFromAST,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

type Values = Readonly<Record<string, unknown>>;

/** Values up to about this length, in characters, are repeated in messages. Messages are cut at the same length. */
const MOST_PRINTED = 1_000;
/** How much of a text, or of a name, is kept. */
const KEPT = 100;
/** graphql-js reports at most 50 errors, and prints one more value before it stops. */
const MOST_FAULTS = 51;
/** How deep input objects may nest. graphql-js reads them by recursion, which exhausts the stack at about 1,000 levels. */
const MOST_LEVELS = 200;
/** In place of an input object that nests deeper. */
const TOO_DEEP = `[an object more than ${MOST_LEVELS} levels deep]`;

/**
 * Replaces variables that don't fit their types with values that graphql-js refuses for the same reasons, but prints in
 * a few characters. For each error, graphql-js prints the whole value, so that one variable with thousands of unknown
 * fields took hundreds of ms. Input objects that nest too deep are replaced, too, because graphql-js would exhaust the
 * stack. Other valid variables stay as they are.
 *
 * @returns the same variables if nothing was replaced
 */
export function printable<Given extends Values>(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode | null | undefined,
  variables: Given,
): Given {
  const definitions = operation?.variableDefinitions ?? [];
  if (definitions.length === 0 || !isLong(variables)) return variables;
  const pass = new Pass();
  const changed: [string, unknown][] = [];
  for (const { variable, type: node } of definitions) {
    const name = variable.name.value;
    const type = typeFromAST(schema, node);
    if (type === undefined || !isInputType(type) || !Object.hasOwn(variables, name)) continue;
    const value = pass.value(variables[name], type);
    if (value !== variables[name]) changed.push([name, value]);
    if (pass.isOver) break;
  }
  return changed.length === 0 ? variables : { ...variables, ...Object.fromEntries(changed) };
}

/** Checks values in the order of graphql-js, until it would have stopped. */
class Pass {
  #faults = 0;
  /** The number of input objects around the current value. */
  #levels = 0;

  get isOver(): boolean {
    return this.#faults >= MOST_FAULTS;
  }

  value(value: unknown, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.value(value, type.ofType);
    if (value === null || value === undefined) return value;
    if (isListType(type)) return Array.isArray(value) ? this.#list(value, type.ofType) : this.value(value, type.ofType);
    if (!isInputObjectType(type)) return this.#leaf(value, type);
    if (isObject(value) && !Array.isArray(value)) return this.#level(value, type);
    this.#faults += 1;
    return short(value);
  }

  #level(object: Values, type: GraphQLInputObjectType): unknown {
    if (this.#levels === MOST_LEVELS) {
      this.#faults += 1;
      return TOO_DEEP;
    }
    this.#levels += 1;
    const value = this.#object(object, type);
    this.#levels -= 1;
    return value;
  }

  #list(list: readonly unknown[], type: GraphQLInputType): readonly unknown[] {
    let copy: unknown[] | null = null;
    for (let i = 0; i < list.length && !this.isOver; i += 1) {
      const value = this.value(list[i], type);
      if (value !== list[i]) (copy ??= [...list])[i] = value;
    }
    return copy ?? list;
  }

  #object(object: Values, type: GraphQLInputObjectType): Values {
    const fields = type.getFields();
    const known: Record<string, unknown> = {};
    let isChanged = false;
    let isFaulty = false;
    let given = 0;
    for (const field of Object.values(fields)) {
      const value = object[field.name];
      if (value === undefined) {
        if (!isNonNullType(field.type) || field.defaultValue !== undefined) continue;
        isFaulty = true;
        this.#faults += 1;
        continue;
      }
      given += 1;
      if (type.isOneOf && value === null) isFaulty = true;
      known[field.name] = this.isOver ? value : this.value(value, field.type);
      isChanged ||= known[field.name] !== value;
    }
    const unknown = unknownIn(object, fields);
    if (unknown.length > 0 || (type.isOneOf && given !== 1)) isFaulty = true;
    this.#faults += unknown.length;
    if (isFaulty && isLong(object)) {
      return markedCopy({ ...known, ...Object.fromEntries(unknown.map((name) => [short(name), null])) }, object);
    }
    if (!isChanged) return object;
    return { ...object, ...known };
  }

  #leaf(value: unknown, type: GraphQLLeafType): unknown {
    if (isEnumType(type) || isSpecifiedScalarType(type)) {
      if (!isLong(value) || isParsed(type, value)) return value;
      this.#faults += 1;
      return short(value);
    }
    if (isParsed(type, value)) return value;
    this.#faults += 1;
    if (!isLong(value)) return value;
    if (!isObject(value)) {
      const cut = short(value);
      return isParsed(type, cut) ? value : cut;
    }
    // The scalar decides by the content, so the value stays. It is refused, so no resolver can receive the marker.
    if (Object.isExtensible(value) && !Object.hasOwn(value, 'toJSON')) mark(value, value);
    return value;
  }
}

/** The first fields that a type doesn't have. */
function unknownIn(object: Values, fields: Values): string[] {
  const unknown: string[] = [];
  for (const name of Object.keys(object)) {
    // Looked up as in graphql-js: the object of fields has no prototype.
    if (fields[name] === undefined && unknown.push(name) === MOST_FAULTS) break;
  }
  return unknown;
}

function isParsed(type: GraphQLLeafType, value: unknown): boolean {
  // A built-in type prints what it refuses. None of them takes an object.
  if (isObject(value) && (isEnumType(type) || isSpecifiedScalarType(type))) return false;
  try {
    return type.parseValue(value) !== undefined;
  } catch {
    return false;
  }
}

/** Returns a short value of the same kind, which is refused by the same types. */
function short<Value>(value: Value): Value {
  if (typeof value === 'string') return (value.length > KEPT ? `${value.slice(0, KEPT)}…` : value) as Value;
  if (!isObject(value) || !isLong(value)) return value;
  return (Array.isArray(value) ? mark([], value) : markedCopy({}, value)) as Value;
}

function markedCopy(copy: Values, original: object): Values {
  const summary = summaryOf(original);
  const toJSON = (): string => summary;
  // A separate property would count as an unknown field, unless the request has one.
  if (Object.hasOwn(copy, 'toJSON')) return { ...copy, toJSON };
  return Object.setPrototypeOf({ ...copy }, { toJSON }) as Values;
}

/** graphql-js prints the result of this method in place of the value. */
function mark<Value extends object>(value: Value, original: object): Value {
  const summary = summaryOf(original);
  return Object.defineProperty(value, 'toJSON', { value: () => summary, configurable: true });
}

function summaryOf(value: object): string {
  if (Array.isArray(value)) return `[list of ${value.length}]`;
  return `{object with ${Object.keys(value).length} fields}`;
}

/** Returns whether printing a value would take more than a few characters. Stops as soon as it would. */
function isLong(value: unknown): boolean {
  let left = MOST_PRINTED;
  const values: unknown[] = [value];
  while (values.length > 0) {
    const one = values.pop();
    left -= typeof one === 'string' ? one.length : 2;
    if (isObject(one)) {
      for (const name in one) {
        left -= name.length;
        if (left < 0) return true;
        values.push(one[name]);
      }
    }
    if (left < 0) return true;
  }
  return false;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null;
}
