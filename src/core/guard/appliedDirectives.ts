import {
  DirectiveLocation,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  isScalarType,
  isUnionType,
  valueFromASTUntyped,
  type ConstDirectiveNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { parseScope } from '../scopes/grammar.js';
import { AUTH, PUBLIC } from './directives.js';
import { codedRule } from './ruleExtensions.js';
import { and, ANY_CREDENTIAL, requirementOf, type Requirement } from './requirement.js';

/** Any part of a schema that can have directives. */
export interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined;
  readonly extensionASTNodes?: readonly { readonly directives?: readonly ConstDirectiveNode[] | undefined }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

interface Applied {
  readonly name: string;
  /** Whether it is written in SDL, which requires a declaration. */
  readonly inSdl: boolean;
  /** null if they are not written as arguments. */
  readonly args: Readonly<Record<string, unknown>> | null;
}

/** The faults found while reading a schema: sentences that name the place, the fault and the fix. */
export type Faults = string[];

/**
 * Returns the directives of a part of the schema: those of its definition, of all its extensions (B06), and those in
 * `extensions.directives` and `extensions.latchkey`, which code-first builders use.
 */
export function appliedDirectives(part: Annotated): Applied[] {
  const applied: Applied[] = [];
  for (const node of [part.astNode, ...(part.extensionASTNodes ?? [])]) {
    for (const directive of node?.directives ?? []) {
      const args = Object.create(null) as Record<string, unknown>;
      for (const argument of directive.arguments ?? []) args[argument.name.value] = valueFromASTUntyped(argument.value);
      applied.push({ name: directive.name.value, inSdl: true, args });
    }
  }
  return [...applied, ...codedDirectives(part.extensions?.directives), ...codedRules(part)];
}

function codedRules({ extensions }: Annotated): Applied[] {
  const { auth, isPublic: isOpen } = codedRule(extensions);
  const applied: Applied[] = auth.map((args) => ({ name: AUTH, inSdl: false, args }));
  return isOpen ? [...applied, { name: PUBLIC, inSdl: false, args: {} }] : applied;
}

/** Builders write `{ auth: args }`, `{ auth: [args, args] }` or `[{ name: 'auth', args }]`. */
function codedDirectives(coded: unknown): Applied[] {
  if (!isRecord(coded)) return [];
  const uses: [unknown, unknown][] = Array.isArray(coded)
    ? coded.map((use: unknown) => (isRecord(use) ? [use.name, use.args] : [use, undefined]))
    : Object.entries(coded).flatMap(([name, args]) =>
        (Array.isArray(args) ? (args as unknown[]) : [args]).map((one): [string, unknown] => [name, one]),
      );
  return uses.map(([name, args]) => ({
    name: String(name),
    inSdl: false,
    args: args === undefined || args === true ? {} : isRecord(args) ? args : null,
  }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns whether the part has @public. */
export function isPublic(part: Annotated): boolean {
  return appliedDirectives(part).some(({ name }) => name === PUBLIC);
}

/** Returns the combined requirement of every @auth on the part (B12); null if there is none. */
export function readAuth(
  part: Annotated,
  coordinate: string,
  actions: ReadonlySet<string>,
  faults: Faults,
): Requirement | null {
  let requirement: Requirement | null = null;
  for (const { name, args } of appliedDirectives(part)) {
    if (name !== AUTH) continue;
    const one = readAuthArguments(args, coordinate, actions, faults);
    requirement = requirement === null ? one : and(requirement, one);
  }
  return requirement;
}

const BOTH_WAYS = 'Write @auth(scope: "a") for one scope, [["a", "b"]] for all of them, [["a"], ["b"]] for any of them';

function readAuthArguments(
  args: Applied['args'],
  coordinate: string,
  actions: ReadonlySet<string>,
  faults: Faults,
): Requirement {
  const fault = (text: string): Requirement => {
    faults.push(`${coordinate}: ${text}.`);
    return ANY_CREDENTIAL;
  };
  if (args === null)
    return fault('the arguments of @auth in extensions.directives are not an object. Write { scope: "a" }');
  const unknown = Object.keys(args).find((name) => name !== 'scope');
  if (unknown !== undefined) return fault(`@auth has no argument "${unknown}". Its only argument is "scope"`);
  if (!('scope' in args)) return ANY_CREDENTIAL;

  const value = args.scope;
  // B08: a null is probably a mistake, and must not open the field.
  if (value === null || value === undefined) {
    return fault('@auth(scope: null) is not allowed. Omit the argument to accept any valid key');
  }
  if (typeof value === 'string') return checked([[value]]);
  // B09: an empty list would require nothing.
  if (!Array.isArray(value) || value.length === 0) return fault(`@auth(scope:) has no scopes. ${BOTH_WAYS}`);
  const items: readonly unknown[] = value;
  if (items.every((item) => typeof item === 'string')) {
    // B10: GraphQL reads ["a", "b"] as any of them, but the author may mean all of them.
    return items.length === 1
      ? checked([items])
      : fault(`@auth(scope:) with a flat list of several scopes is ambiguous. ${BOTH_WAYS}`);
  }
  const lists = items.map((item) => (Array.isArray(item) ? (item as readonly unknown[]) : []));
  const strings = lists.map((list) => list.filter((item) => typeof item === 'string'));
  if (strings.some((list, i) => list.length === 0 || list.length !== lists[i]?.length)) {
    return fault(`@auth(scope:) has an empty or invalid list. ${BOTH_WAYS}`);
  }
  return checked(strings);

  function checked(anyOf: readonly (readonly string[])[]): Requirement {
    for (const text of anyOf.flat()) {
      const scope = parseScope(text);
      if (scope === null) {
        return fault(`"${text}" is not a valid scope. Use action:resource, admin or platform`);
      }
      if (scope.kind === 'grant' && !actions.has(scope.action)) {
        return fault(
          `the scope "${text}" has the unknown action "${scope.action}". Known actions: ${[...actions].join(', ')}. The option "actions" adds others`,
        );
      }
    }
    return requirementOf(anyOf);
  }
}

/**
 * Finds directives that have no effect where they are (B01, B03), are not declared (B04, B05), or are declared
 * differently than Latchkey expects.
 */
export function checkDirectives(schema: GraphQLSchema, faults: Faults): void {
  checkDefinitions(schema, faults);
  const check = (part: Annotated, coordinate: string, allowed: readonly string[]): void => {
    const { fault } = codedRule(part.extensions);
    if (fault !== null) faults.push(`${coordinate}: ${fault}.`);
    for (const { name, inSdl } of appliedDirectives(part)) {
      if (inSdl && schema.getDirective(name) == null) {
        faults.push(
          `${coordinate}: @${name} is applied but not declared, so it guards nothing. Did you mean @auth or @public?`,
        );
      } else if ((name === AUTH || name === PUBLIC) && !allowed.includes(name)) {
        faults.push(`${coordinate}: @${name} has no effect here. ${WHERE[name]}.`);
      }
    }
  };
  const checkAll = (
    parts: readonly Named[],
    coordinateOf: (name: string) => string,
    allowed: readonly string[],
  ): void => parts.forEach((part) => check(part, coordinateOf(part.name), allowed));
  check(schema, 'schema', []);
  for (const { name, args } of schema.getDirectives()) checkAll(args, (arg) => `@${name}(${arg}:)`, []);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    const within = (name: string): string => `${type.name}.${name}`;
    check(type, type.name, isObjectType(type) || isLeafType(type) ? [AUTH] : []);
    for (const field of fieldsOf(type)) {
      check(field, within(field.name), isObjectType(type) ? [AUTH, PUBLIC] : []);
      checkAll(field.args, (arg) => `${within(field.name)}(${arg}:)`, isObjectType(type) ? [AUTH] : []);
    }
    if (isInputObjectType(type)) checkAll(Object.values(type.getFields()), within, [AUTH]);
    if (isEnumType(type)) checkAll(type.getValues(), within, []);
  }
}

type Named = Annotated & { readonly name: string };

const WHERE = {
  [AUTH]:
    'Put @auth on object types, their fields and arguments, input fields, scalars and enums (for an interface or a union, on each of its object types)',
  [PUBLIC]: 'Put @public on fields of object types',
} as const;

/** The locations of @auth. A declaration can have fewer, as earlier versions of Latchkey had. */
const LOCATIONS: readonly string[] = [
  'OBJECT',
  'FIELD_DEFINITION',
  'ARGUMENT_DEFINITION',
  'INPUT_FIELD_DEFINITION',
  'SCALAR',
  'ENUM',
];

function checkDefinitions(schema: GraphQLSchema, faults: Faults): void {
  const auth = schema.getDirective(AUTH);
  if (auth != null) {
    const scope = auth.args.find((argument) => argument.name === 'scope');
    const asDefined =
      auth.isRepeatable &&
      auth.args.length === 1 &&
      String(scope?.type) === '[[Scope!]!]' &&
      auth.locations.every((location) => LOCATIONS.includes(location)) &&
      [DirectiveLocation.OBJECT, DirectiveLocation.FIELD_DEFINITION].every((one) => auth.locations.includes(one));
    if (!asDefined) {
      faults.push(
        `@auth is not declared as "directive @auth(scope: [[Scope!]!]) repeatable on ${LOCATIONS.join(' | ')}". Use the definition that Latchkey exports.`,
      );
    }
  }
  for (const directive of schema.getDirectives()) {
    if (directive.name === AUTH || directive.name === PUBLIC) continue;
    // CVE-2025-64347: a renamed directive guards nothing. Any directive that takes scopes is meant as a guard.
    const named = [AUTH, PUBLIC].find((name) => name === directive.name.toLowerCase());
    const takesScopes = directive.args.some(({ name, type }) => {
      const typeName = getNamedType(type).name;
      return typeName === 'Scope' || (typeName === 'String' && /^scopes?$/i.test(name));
    });
    if (named !== undefined || takesScopes) {
      faults.push(
        `@${directive.name} is declared and looks like a guard, but Latchkey only reads @${named ?? AUTH}. Use that name.`,
      );
    }
  }
}

/** Returns the output fields of a type; none for types without fields. */
export function fieldsOf(type: GraphQLNamedType): GraphQLField<unknown, unknown>[] {
  if (isScalarType(type) || isUnionType(type) || isEnumType(type) || isInputObjectType(type)) return [];
  if (isObjectType(type) || isInterfaceType(type)) return Object.values(type.getFields());
  return [];
}
