import {
  Kind,
  OperationTypeNode,
  parse,
  type DefinitionNode,
  type FieldDefinitionNode,
  type FieldNode,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';
import { apiTypeDefs } from '../management/schema/typeDefs.js';

/** Checks the JSON of each scalar of the API. All other types without fields are strings. */
const SCALARS: ReadonlyMap<string, (value: unknown) => boolean> = new Map<string, (value: unknown) => boolean>([
  ['Int', (value) => Number.isSafeInteger(value)],
  ['Count', (value) => Number.isSafeInteger(value)],
  ['Float', (value) => typeof value === 'number'],
  ['Boolean', (value) => typeof value === 'boolean'],
  ['JSON', () => true],
]);

/** Root fields that look for one object, which may not exist. */
const MAY_BE_ABSENT: ReadonlySet<string> = new Set([
  'apiKey',
  'asset',
  'auditHead',
  'explainAccess',
  'limitsOf',
  'project',
  'suggestScopes',
  'user',
  'workspace',
]);

/**
 * Compares a response with the sent document and with the schema of this release, so that commands can rely on its
 * form.
 *
 * @param hasErrors whether the answer also has errors, which explain why a field of Query or Mutation is null
 * @returns the path of the first value that is missing or has another type; null if there is none
 */
export function shapeFault(document: string, data: unknown, hasErrors = false): string | null {
  const { definitions } = parse(document, { noLocation: true });
  const operation = definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new TypeError('The document has no operation.');
  const root = operation.operation === OperationTypeNode.MUTATION ? 'Mutation' : 'Query';
  return new Shape(definitions, hasErrors).faultIn(data, operation.selectionSet, root, 'data');
}

type Fields = ReadonlyMap<string, FieldDefinitionNode>;

class Shape {
  readonly #fragments = new Map<string, SelectionSetNode>();

  readonly #hasErrors: boolean;

  constructor(definitions: readonly DefinitionNode[], hasErrors: boolean) {
    this.#hasErrors = hasErrors;
    for (const each of definitions)
      if (each.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(each.name.value, each.selectionSet);
  }

  faultIn(value: unknown, selections: SelectionSetNode, type: string, path: string): string | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return path;
    const fields = fieldsOf(type);
    for (const selection of selections.selections) {
      const fault =
        selection.kind === Kind.FIELD
          ? this.#faultOfField(value, selection, fields, path)
          : this.#faultOfFragment(value, selection, type, path);
      if (fault !== null) return fault;
    }
    return null;
  }

  #faultOfFragment(
    value: object,
    selection: Exclude<SelectionSetNode['selections'][number], FieldNode>,
    type: string,
    path: string,
  ): string | null {
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : this.#fragments.get(selection.name.value);
    return inner === undefined ? null : this.faultIn(value, inner, type, path);
  }

  #faultOfField(
    value: object,
    { name, alias, directives = [], selectionSet }: FieldNode,
    fields: Fields,
    path: string,
  ): string | null {
    const key = (alias ?? name).value;
    const at = path === 'data' ? key : `${path}.${key}`;
    const definition = fields.get(name.value);
    if (definition === undefined) throw new TypeError(`The schema has no field ${name.value}.`);
    // With @include or @skip, it may be missing.
    if (!Object.hasOwn(value, key)) return directives.length > 0 ? null : at;
    const field = (value as Record<string, unknown>)[key];
    // Without an error, a root field is null only if it looks for one object.
    if (field === null && path === 'data' && !this.#hasErrors && !MAY_BE_ABSENT.has(name.value)) return at;
    return this.#faultOfValue(field, definition.type, selectionSet, at);
  }

  #faultOfValue(value: unknown, type: TypeNode, selections: SelectionSetNode | undefined, at: string): string | null {
    if (type.kind === Kind.NON_NULL_TYPE)
      return value === null ? at : this.#faultOfValue(value, type.type, selections, at);
    if (value === null) return null;
    if (type.kind === Kind.LIST_TYPE) {
      if (!Array.isArray(value)) return at;
      for (const item of value) {
        const fault = this.#faultOfValue(item, type.type, selections, at);
        if (fault !== null) return fault;
      }
      return null;
    }
    const name = type.name.value;
    if (selections !== undefined) return this.faultIn(value, selections, name, at);
    const isRight = SCALARS.get(name)?.(value) ?? typeof value === 'string';
    return isRight ? null : at;
  }
}

let types: ReadonlyMap<string, Fields> | null = null;

function fieldsOf(type: string): Fields {
  types ??= typesOfSchema();
  const fields = types.get(type);
  if (fields === undefined) throw new TypeError(`The schema has no type ${type}.`);
  return fields;
}

function typesOfSchema(): ReadonlyMap<string, Fields> {
  const found = new Map<string, Map<string, FieldDefinitionNode>>();
  for (const definition of apiTypeDefs().definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.OBJECT_TYPE_EXTENSION) continue;
    const fields = found.get(definition.name.value) ?? new Map<string, FieldDefinitionNode>();
    for (const field of definition.fields ?? []) fields.set(field.name.value, field);
    found.set(definition.name.value, fields);
  }
  return found;
}
