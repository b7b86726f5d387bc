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
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { appliedDirectives, type Annotated, type Faults } from './appliedDirectives.js';
import { AUTH, PUBLIC } from './directives.js';
import { checkFederationDefinition, type FederationNames } from './federation/federationDirectives.js';
import { codedRule } from './ruleExtensions.js';

/**
 * Finds directives that have no effect where they are (B01, B03), are not declared (B04, B05), or are declared
 * differently than Latchkey expects.
 */
export function checkDirectives(schema: GraphQLSchema, federation: FederationNames, faults: Faults): void {
  checkDefinitions(schema, federation, faults);
  const check = (part: Annotated, coordinate: string, allowed: readonly string[]): void => {
    const { fault } = codedRule(part.extensions);
    if (fault !== null) faults.push(`${coordinate}: ${fault}.`);
    for (const { name, inSdl } of appliedDirectives(part)) {
      if (inSdl && schema.getDirective(name) == null) {
        const remedy =
          name === AUTH || name === PUBLIC
            ? 'Add directiveTypeDefs() of latchkey to the definitions of the schema.'
            : 'Did you mean @auth or @public?';
        faults.push(`${coordinate}: @${name} is applied but not declared, so it guards nothing. ${remedy}`);
      } else if ((name === AUTH || name === PUBLIC) && !allowed.includes(name)) {
        faults.push(`${coordinate}: @${name} has no effect here. ${WHERE[name]}.`);
      } else if (federation.has(name) && !allowed.includes(FEDERATION)) {
        faults.push(`${coordinate}: @${name} has no effect here. ${WHERE[FEDERATION]}.`);
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
    const ofInterface = isInterfaceType(type) ? [FEDERATION] : [];
    check(type, type.name, isObjectType(type) || isLeafType(type) ? [AUTH, FEDERATION] : ofInterface);
    for (const field of fieldsOf(type)) {
      check(field, within(field.name), isObjectType(type) ? [AUTH, PUBLIC, FEDERATION] : ofInterface);
      checkAll(field.args, (arg) => `${within(field.name)}(${arg}:)`, isObjectType(type) ? [AUTH] : []);
    }
    if (isInputObjectType(type)) checkAll(Object.values(type.getFields()), within, [AUTH]);
    if (isEnumType(type)) checkAll(type.getValues(), within, []);
  }
}

type Named = Annotated & { readonly name: string };

/** Stands for all directives of the Federation specification. */
const FEDERATION = 'federation';

const WHERE = {
  [AUTH]:
    'Put @auth on object types, their fields and arguments, input fields, scalars and enums (for an interface or a union, on each of its object types)',
  [PUBLIC]: 'Put @public on fields of object types',
  [FEDERATION]: 'Put it on object types, interfaces, their fields, scalars and enums',
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

function checkDefinitions(schema: GraphQLSchema, federation: FederationNames, faults: Faults): void {
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
        `@auth is not declared as "directive @auth(scope: [[Scope!]!]) repeatable on ${LOCATIONS.join(' | ')}". Use the definition in latchkey.typeDefs or from directiveTypeDefs().`,
      );
    }
  }
  for (const directive of schema.getDirectives()) {
    if (directive.name === AUTH || directive.name === PUBLIC) continue;
    const kind = federation.get(directive.name);
    if (kind !== undefined) {
      checkFederationDefinition(directive, kind, faults);
      continue;
    }
    // CVE-2025-64347: a renamed directive guards nothing. Any directive that takes scopes is meant as a guard.
    const named = [AUTH, PUBLIC].find((name) => name === directive.name.toLowerCase());
    const takesScopes = directive.args.some(({ name, type }) => {
      const typeName = getNamedType(type).name;
      return /(?:^|__)(?:Scope|Policy)$/.test(typeName) || (typeName === 'String' && /^scopes?$/i.test(name));
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
