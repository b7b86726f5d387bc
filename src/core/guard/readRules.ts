import {
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { DEFAULT_ACTIONS, parseScope } from '../scopes/grammar.js';
import { appliedDirectives, isPublic, type Annotated, type Faults } from './appliedDirectives.js';
import { readAuth, type Reading } from './authArguments.js';
import { checkDirectives, fieldsOf } from './checkDirectives.js';
import { entitiesField, serviceField } from './federation/entities.js';
import { federationNames } from './federation/federationDirectives.js';
import { and, ANY_CREDENTIAL, or, sharing, type Requirement } from './requirement.js';
import { GuardError, type Rule, type RuleOptions, type SchemaRules } from './rules.js';

/**
 * Reads the rules of a schema. A field requires what its type, its own @auth and its return type require together
 * (B07). A rule of a root type applies to each of its fields (B19).
 *
 * @throws {@link GuardError} if a directive has no effect, or a root field has neither @auth nor @public
 */
export function readRules(schema: GraphQLSchema, options: RuleOptions = {}): SchemaRules {
  const reader = new Reader(schema, options);
  const rules = reader.read();
  if (reader.faults.length > 0) throw new GuardError(reader.faults);
  return rules;
}

/** Reads the rules of one schema, and collects its faults. */
class Reader {
  readonly faults: Faults = [];
  readonly #schema: GraphQLSchema;
  readonly #reading: Reading;
  readonly #rootFields: RuleOptions['rootFields'];
  readonly #all: readonly GraphQLNamedType[];
  readonly #objects: readonly GraphQLObjectType[];
  readonly #shared = sharing();
  readonly #ofInterfaces = new Map<Annotated, Requirement | null>();

  constructor(schema: GraphQLSchema, { actions = [], rootFields = 'refuse' }: RuleOptions) {
    this.#schema = schema;
    this.#reading = {
      actions: new Set([...DEFAULT_ACTIONS, ...actions]),
      federation: federationNames(appliedDirectives(schema), this.faults),
    };
    this.#rootFields = rootFields;
    this.#all = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
    this.#objects = this.#all.filter(isObjectType);
  }

  read(): SchemaRules {
    checkDirectives(this.#schema, this.#reading.federation, this.faults);
    const types = this.#types();
    const fields = this.#fields(types);
    const args = this.#arguments();
    const inputs = this.#inputs();
    const nested = [fields, args, inputs].flatMap((map) => [...map.values()]);
    const scopes = knownScopes([...types.values(), ...nested.flatMap((ofPart) => [...ofPart.values()])]);
    return { types, fields, arguments: args, inputs, scopes };
  }

  #types(): Map<string, Rule> {
    const types = new Map<string, Rule>();
    for (const type of this.#all) {
      if (!isObjectType(type) && !isLeafType(type)) continue;
      const requirement = all([
        this.#auth(type, type.name),
        ...(isObjectType(type) ? type.getInterfaces().map((one) => this.#ofInterface(one, one.name)) : []),
      ]);
      if (requirement === null) continue;
      types.set(type.name, { coordinate: type.name, requirement });
      if (isLeafType(type)) this.#checkReturned(type);
    }
    for (const type of this.#all) {
      if (!isAbstractType(type)) continue;
      const requirement = ofAbstractType(this.#schema, type, types);
      if (requirement !== null) types.set(type.name, { coordinate: type.name, requirement });
    }
    return types;
  }

  #fields(types: ReadonlyMap<string, Rule>): Map<string, ReadonlyMap<string, Rule>> {
    const roots = rootsOf(this.#schema);
    const fields = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#objects) {
      const ofType = new Map<string, Rule>();
      for (const field of fieldsOf(type)) {
        const coordinate = `${type.name}.${field.name}`;
        const own = this.#ofField(type, field, coordinate);
        const isRoot = roots.has(type) && !this.#isGenerated(field) && this.#rootFields === 'refuse';
        checkOpenness(field, coordinate, { own, type: types.get(type.name), isRoot }, this.faults);
        const requirement = all([
          types.get(type.name)?.requirement,
          own ?? this.#ofRoot(roots.has(type), field),
          types.get(getNamedType(field.type).name)?.requirement,
        ]);
        if (requirement !== null) ofType.set(field.name, { coordinate, requirement: this.#shared(requirement) });
      }
      if (ofType.size > 0) fields.set(type.name, ofType);
    }
    return fields;
  }

  #arguments(): Map<string, ReadonlyMap<string, Rule>> {
    const args = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#objects) {
      for (const field of fieldsOf(type)) {
        const coordinate = `${type.name}.${field.name}`;
        const ofField = this.#named(field.args, (name) => `${coordinate}(${name}:)`);
        if (ofField.size > 0) args.set(coordinate, ofField);
      }
    }
    return args;
  }

  #inputs(): Map<string, ReadonlyMap<string, Rule>> {
    const inputs = new Map<string, ReadonlyMap<string, Rule>>();
    for (const type of this.#all) {
      if (!isInputObjectType(type)) continue;
      const ofType = this.#named(Object.values(type.getFields()), (name) => `${type.name}.${name}`);
      if (ofType.size > 0) inputs.set(type.name, ofType);
    }
    return inputs;
  }

  #named(
    parts: readonly (Annotated & { readonly name: string })[],
    coordinateOf: (name: string) => string,
  ): Map<string, Rule> {
    const rules = new Map<string, Rule>();
    for (const part of parts) {
      const coordinate = coordinateOf(part.name);
      const requirement = this.#auth(part, coordinate);
      if (requirement !== null) rules.set(part.name, { coordinate, requirement: this.#shared(requirement) });
    }
    return rules;
  }

  #auth(part: Annotated, coordinate: string): Requirement | null {
    return readAuth(part, coordinate, this.#reading, this.faults);
  }

  /** The directives of federation on an interface apply to the types that implement it (B01). */
  #ofField(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>, coordinate: string): Requirement | null {
    const inherited = type.getInterfaces().map((one) => {
      const declared = one.getFields()[field.name];
      return declared === undefined ? null : this.#ofInterface(declared, `${one.name}.${field.name}`);
    });
    return all([this.#auth(field, coordinate), ...inherited]);
  }

  /** Each type that implements an interface reads it again, and reports its faults once. */
  #ofInterface(part: Annotated, coordinate: string): Requirement | null {
    const known = this.#ofInterfaces.get(part);
    if (known !== undefined) return known;
    // @auth has no effect on an interface, which checkDirectives reports.
    const requirement = this.#auth(part, coordinate);
    this.#ofInterfaces.set(part, requirement);
    return requirement;
  }

  /** Whether the field was added by a subgraph library, so that nobody can write a directive on it. */
  #isGenerated(field: GraphQLField<unknown, unknown>): boolean {
    return field === entitiesField(this.#schema) || field === serviceField(this.#schema);
  }

  /** Returns the requirement of a root field without its own rule. The SDL of a subgraph is guarded like introspection. */
  #ofRoot(isRoot: boolean, field: GraphQLField<unknown, unknown>): Requirement | null {
    if (!isRoot || isPublic(field) || field === serviceField(this.#schema)) return null;
    const needsKey = field === entitiesField(this.#schema) || this.#rootFields === 'authenticated';
    return needsKey && this.#rootFields !== 'public' ? ANY_CREDENTIAL : null;
  }

  /** B03: the rule of a scalar or an enum belongs to the fields that return it. */
  #checkReturned(type: GraphQLNamedType): void {
    const isReturned = this.#objects.some((object) =>
      fieldsOf(object).some((field) => getNamedType(field.type) === type),
    );
    if (isReturned) return;
    this.faults.push(
      `${type.name}: @auth has no effect here, because no field returns this type. Put @auth on the arguments and input fields that take it.`,
    );
  }
}

function rootsOf(schema: GraphQLSchema): ReadonlySet<unknown> {
  return new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
}

function checkOpenness(
  field: GraphQLField<unknown, unknown>,
  coordinate: string,
  guards: { own: Requirement | null; type: Rule | undefined; isRoot: boolean },
  faults: Faults,
): void {
  if (!isPublic(field)) {
    if (guards.isRoot && guards.own === null && guards.type === undefined) {
      faults.push(`${coordinate}: a root field needs @auth or @public, so that it is clear who can call it.`);
    }
    return;
  }
  if (guards.own !== null) faults.push(`${coordinate}: @public and @auth contradict each other. Remove one of them.`);
  else if (guards.type !== undefined) {
    faults.push(
      `${coordinate}: @public has no effect, because @auth on ${guards.type.coordinate} applies too. Move one of them.`,
    );
  }
}

/** A value of an abstract type is a value of one of its object types, so the rule of one of these must be met. */
function ofAbstractType(
  schema: GraphQLSchema,
  type: GraphQLAbstractType,
  types: ReadonlyMap<string, Rule>,
): Requirement | null {
  const rules = schema.getPossibleTypes(type).map((possible) => types.get(possible.name)?.requirement);
  const guarded = rules.filter((rule) => rule !== undefined);
  return guarded.length === 0 || guarded.length < rules.length ? null : or(guarded);
}

function all(requirements: readonly (Requirement | null | undefined)[]): Requirement | null {
  let result: Requirement | null = null;
  for (const requirement of requirements) {
    if (requirement != null) result = result === null ? requirement : and(result, requirement);
  }
  return result;
}

function knownScopes(rules: readonly Rule[]): string[] {
  const known = new Set<string>(['admin', 'platform']);
  for (const { requirement } of rules) {
    for (const scope of requirement.anyOf.flat()) {
      known.add(scope.text);
      const parsed = parseScope(scope.text);
      if (parsed?.kind === 'grant') known.add(`${parsed.action}:all`);
    }
  }
  return [...known].sort();
}
