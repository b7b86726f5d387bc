import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
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
import { and, ANY_CREDENTIAL, requirementOf, type Requirement } from './requirement.js';

/** Anything of a schema that may bear directives. */
interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined;
  readonly extensionASTNodes?: readonly { readonly directives?: readonly ConstDirectiveNode[] | undefined }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

interface Applied {
  readonly name: string;
  /** Written in SDL, where what is applied must be declared. */
  readonly inSdl: boolean;
  /** null: they are not written as arguments. */
  readonly args: Readonly<Record<string, unknown>> | null;
}

/** Faults found while a schema is read, each one sentence that names the place, the fault and the remedy. */
export type Faults = string[];

/**
 * The directives applied to a part of the schema: those of the definition, of every extension of it (B06), and those that
 * a code-first builder left in `extensions.directives`.
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
  return [...applied, ...codedDirectives(part.extensions?.directives)];
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

/** Is the part opened by @public? */
export function isPublic(part: Annotated): boolean {
  return appliedDirectives(part).some(({ name }) => name === PUBLIC);
}

/** What @auth on the part requires, every repetition of it (B12); null where there is none. */
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

const BOTH_WAYS = 'write @auth(scope: "a") for one scope, [["a", "b"]] for all of them, [["a"], ["b"]] for any of them';

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
    return fault('the arguments of @auth in extensions.directives are no object; write { scope: "a" }');
  const unknown = Object.keys(args).find((name) => name !== 'scope');
  if (unknown !== undefined) return fault(`@auth has no argument "${unknown}"; its one argument is "scope"`);
  if (!('scope' in args)) return ANY_CREDENTIAL;

  const value = args.scope;
  if (value === null || value === undefined) {
    return fault('@auth(scope: null) says nothing; leave the argument out to ask for any valid key');
  }
  if (typeof value === 'string') return checked([[value]]);
  if (!Array.isArray(value) || value.length === 0) return fault(`@auth(scope:) lists no scope; ${BOTH_WAYS}`);
  const items: readonly unknown[] = value;
  if (items.every((item) => typeof item === 'string')) {
    // B10: GraphQL reads ["a", "b"] as any of them; whoever writes it may well mean all of them.
    return items.length === 1
      ? checked([items])
      : fault(`@auth(scope:) with a flat list of several is ambiguous; ${BOTH_WAYS}`);
  }
  const lists = items.map((item) => (Array.isArray(item) ? (item as readonly unknown[]) : []));
  const strings = lists.map((list) => list.filter((item) => typeof item === 'string'));
  if (strings.some((list, i) => list.length === 0 || list.length !== lists[i]?.length)) {
    return fault(`@auth(scope:) holds an empty or wrong list; ${BOTH_WAYS}`);
  }
  return checked(strings);

  function checked(anyOf: readonly (readonly string[])[]): Requirement {
    for (const text of anyOf.flat()) {
      const scope = parseScope(text);
      if (scope === null) {
        return fault(`"${text}" is no scope; a scope is action:resource, admin or platform`);
      }
      if (scope.kind === 'grant' && !actions.has(scope.action)) {
        return fault(
          `the scope "${text}" has the unknown action "${scope.action}"; known are ${[...actions].join(', ')}, and the option "actions" declares others`,
        );
      }
    }
    return requirementOf(anyOf);
  }
}

/**
 * Faults of directives that stand where they guard nothing (B01, B03), are not declared (B04, B05), or are declared in
 * another form than Latchkey reads.
 */
export function checkDirectives(schema: GraphQLSchema, faults: Faults): void {
  checkDefinitions(schema, faults);
  const check = (part: Annotated, coordinate: string, allowed: readonly string[]): void => {
    for (const { name, inSdl } of appliedDirectives(part)) {
      if (inSdl && schema.getDirective(name) == null) {
        faults.push(
          `${coordinate}: @${name} is applied but not declared, so it guards nothing; is @auth or @public meant?`,
        );
      } else if ((name === AUTH || name === PUBLIC) && !allowed.includes(name)) {
        faults.push(`${coordinate}: @${name} has no effect there; ${WHERE[name]}.`);
      }
    }
  };
  check(schema, 'schema', []);
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    check(type, type.name, isObjectType(type) ? [AUTH] : []);
    for (const field of fieldsOf(type)) {
      check(field, `${type.name}.${field.name}`, isObjectType(type) ? [AUTH, PUBLIC] : []);
      for (const argument of field.args) check(argument, `${type.name}.${field.name}(${argument.name}:)`, []);
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) check(field, `${type.name}.${field.name}`, []);
    }
    if (isEnumType(type)) for (const value of type.getValues()) check(value, `${type.name}.${value.name}`, []);
  }
}

const WHERE = {
  [AUTH]:
    'put @auth on the object types and their fields (of an interface or a union: on each type that it stands for)',
  [PUBLIC]: 'put @public on fields of object types',
} as const;

function checkDefinitions(schema: GraphQLSchema, faults: Faults): void {
  const auth = schema.getDirective(AUTH);
  if (auth != null) {
    const scope = auth.args.find((argument) => argument.name === 'scope');
    const asDefined =
      auth.isRepeatable &&
      auth.args.length === 1 &&
      String(scope?.type) === '[[Scope!]!]' &&
      [...auth.locations].sort().join() === 'FIELD_DEFINITION,OBJECT';
    if (!asDefined) {
      faults.push(
        '@auth is declared otherwise than "directive @auth(scope: [[Scope!]!]) repeatable on OBJECT | FIELD_DEFINITION"; take the definition that Latchkey exports.',
      );
    }
  }
  for (const directive of schema.getDirectives()) {
    if (directive.name === AUTH || directive.name === PUBLIC) continue;
    // CVE-2025-64347: a renamed directive guards nothing. Only a guard takes scopes.
    const named = [AUTH, PUBLIC].find((name) => name === directive.name.toLowerCase());
    const takesScopes = directive.args.some(({ name, type }) => {
      const typeName = getNamedType(type).name;
      return typeName === 'Scope' || (typeName === 'String' && /^scopes?$/i.test(name));
    });
    if (named !== undefined || takesScopes) {
      faults.push(
        `@${directive.name} is declared and looks like a guard, but Latchkey reads @${named ?? AUTH} alone; use that name.`,
      );
    }
  }
}

/** Output fields of a type; none for the types that have none. */
export function fieldsOf(type: GraphQLNamedType): GraphQLField<unknown, unknown>[] {
  if (isScalarType(type) || isUnionType(type) || isEnumType(type) || isInputObjectType(type)) return [];
  if (isObjectType(type) || isInterfaceType(type)) return Object.values(type.getFields());
  return [];
}
