import {
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  visit,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentSpreadNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Principal } from '../../auth/principal.js';
import { conditionsOf, type Conditions } from '../conditions.js';
import { meets } from '../decide.js';
import { fragmentsOf, type Fragments } from '../fragments.js';
import { FieldInputs } from '../inputs/fieldInputs.js';
import { inputPlansOf } from '../inputs/inputPlans.js';
import type { OperationRequest } from '../review.js';
import type { Rule, SchemaRules } from '../rules.js';
import { dependsOnType, emptyLevel, hasHoles, type Hole, type Level, type Types } from './levels.js';

/** The part of an operation that its caller may run. */
export interface AllowedPart {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly level: Level;
  /** The response key of the type names that were added. */
  readonly typeKey: string;
}

/** The number of selections that are visited, once for each type. Fragments can fan out, and are expanded here (B40). */
const MAX_VISITS = 20_000;
/**
 * The number of selections that the part has when it is written. A field that is denied in some types is written once for each other
 * type, with everything below it, so nested fields would multiply.
 */
const MAX_WRITTEN = 5_000;

/** A field of this object can't be null, so the object can't be returned. */
class Lost {
  readonly hole: Omit<Hole, 'key' | 'types'>;

  constructor(hole: Omit<Hole, 'key' | 'types'>) {
    this.hole = hole;
  }
}

/** Thrown if a part can't be separated. Then the whole operation is refused. */
class Inseparable extends Error {}

/**
 * Returns an operation without the fields that its caller may not use. If a denied field can't be null, the closest parent field
 * that can is left out.
 *
 * @returns null if the operation must be refused entirely: nothing remains of it, a field that can't be null has no such
 * parent, or it is a mutation with a denied root field, or a subscription
 */
export function withoutDenied(
  { schema, document, operation, variables, principal }: Omit<OperationRequest, 'source'>,
  rules: SchemaRules,
): AllowedPart | null {
  const root = schema.getRootType(operation.operation);
  if (root == null || operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
  // The arguments of directives belong to no field.
  if (inputPlansOf(schema, rules).directives.size > 0) return null;
  const pruning = new Pruning({
    ...{ schema, rules, principal },
    fragments: fragmentsOf(document),
    conditions: conditionsOf(document, operation, variables),
    inputs: new FieldInputs(schema, rules, operation, variables),
    typeKey: unusedKey(document),
  });
  const level = emptyLevel();
  const selections = pruning.run(operation.selectionSet, root, level);
  if (selections === null || selections.length === 0) return null;
  if (operation.operation === OperationTypeNode.MUTATION && level.holes.length > 0) return null;
  const kept = withSelections(operation, selections);
  return { document: { kind: Kind.DOCUMENT, definitions: [kept] }, operation: kept, level, typeKey: pruning.typeKey };
}

interface Given {
  readonly schema: GraphQLSchema;
  readonly rules: SchemaRules;
  readonly principal: Principal;
  readonly fragments: Fragments;
  readonly conditions: Conditions;
  readonly inputs: FieldInputs;
  readonly typeKey: string;
}

/** The object types that the objects of a selection set can have. */
interface Place {
  readonly types: readonly GraphQLObjectType[];
  /** The number of types at this level, before fragments narrowed them. */
  readonly all: number;
  readonly level: Level;
}

class Pruning {
  readonly #given: Given;
  #visits = 0;
  /** The number of selections in each field or fragment of the part, including itself. */
  readonly #written = new WeakMap<SelectionNode, number>();

  constructor(given: Given) {
    this.#given = given;
  }

  get typeKey(): string {
    return this.#given.typeKey;
  }

  /** Returns the remaining operation; null if it must be refused. */
  run(set: SelectionSetNode, root: GraphQLObjectType, level: Level): SelectionNode[] | null {
    try {
      const left = this.#set(set, { types: [root], all: 1, level });
      return left instanceof Lost ? null : left;
    } catch (error) {
      if (error instanceof Inseparable) return null;
      throw error;
    }
  }

  #set({ selections }: SelectionSetNode, place: Place): SelectionNode[] | Lost {
    const left: SelectionNode[] = [];
    let written = 0;
    for (const selection of selections) {
      this.#visits += place.types.length + 1;
      if (this.#visits > MAX_VISITS) throw new Inseparable();
      if (!this.#given.conditions.includes(selection)) continue;
      const kept = selection.kind === Kind.FIELD ? this.#field(selection, place) : this.#fragment(selection, place);
      if (kept instanceof Lost) return kept;
      for (const node of kept) written += this.#sizeOf(node);
      if (written > MAX_WRITTEN) throw new Inseparable();
      left.push(...kept);
    }
    return left;
  }

  #sizeOf(node: SelectionNode): number {
    let size = this.#written.get(node);
    if (size === undefined) {
      const { selections = [] } = (node.kind === Kind.FRAGMENT_SPREAD ? undefined : node.selectionSet) ?? {};
      size = selections.reduce((sum, each) => sum + this.#sizeOf(each), 1);
      this.#written.set(node, size);
    }
    return size;
  }

  #fragment(selection: FragmentSpreadNode | InlineFragmentNode, place: Place): SelectionNode[] | Lost {
    const { schema, rules, principal, fragments } = this.#given;
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    if (fragment === undefined) throw new Inseparable();
    const condition = fragment.typeCondition?.name.value;
    const types = place.types.filter((type) => condition === undefined || applies(schema, condition, type));
    // The guard of the abstract type refuses such a value where it occurs (B20).
    const rule = condition === undefined ? undefined : rules.types.get(condition);
    if (types.length === 0 || (rule !== undefined && !meets(principal, rule))) return [];
    const left = this.#set(fragment.selectionSet, { ...place, types });
    if (left instanceof Lost || left.length === 0) return left;
    const directives = (selection.directives ?? []).filter(isCondition);
    return [inlineFragment(left, fragment.typeCondition, directives)];
  }

  #field(node: FieldNode, { types, all, level }: Place): SelectionNode[] | Lost {
    const key = (node.alias ?? node.name).value;
    level.keys.add(key);
    const denied = new Map<GraphQLObjectType, Rule[]>();
    for (const type of types) {
      const refused = this.#refused(type, node);
      if (refused.length > 0) denied.set(type, refused);
    }
    for (const [type, refused] of denied) {
      const lost = leaveOut(node, [type], { key, types: namesOf([type], all), node, refused }, level);
      if (lost !== null) return lost;
    }
    const allowed = types.filter((type) => !denied.has(type));
    if (allowed.length === 0) return [];
    const kept = this.#allowed(node, key, { types: allowed, all, level });
    if (kept instanceof Lost || kept === null) return kept ?? [];
    if (denied.size === 0) return [kept];
    return allowed.map(({ name }) => inlineFragment([kept], namedType(name), []));
  }

  /** Returns a field that may be selected, without the denied fields below it; null if it is omitted because of one of them. */
  #allowed(node: FieldNode, key: string, { types, all, level }: Place): FieldNode | null | Lost {
    if (node.selectionSet === undefined) return node;
    const returned = new Set(types.map((type) => namedTypeOf(type, node.name.value)));
    const possible = new Set([...returned].flatMap((type) => this.#possible(type)));
    if (possible.size === 0) return node;
    const below = emptyLevel();
    const left = this.#set(node.selectionSet, { types: [...possible], all: possible.size, level: below });
    if (left instanceof Lost) return leaveOut(node, types, { ...left.hole, key, types: namesOf(types, all) }, level);
    // An object needs at least one field.
    const needsType = left.length === 0 || dependsOnType(below);
    if (needsType) left.unshift(typeName(this.#given.typeKey));
    if (needsType || hasHoles(below)) level.within.push({ key, types: namesOf(types, all), level: below });
    return withSelections(node, left);
  }

  #refused(type: GraphQLObjectType, node: FieldNode): Rule[] {
    const { rules, principal, inputs } = this.#given;
    const rule = rules.fields.get(type.name)?.get(node.name.value);
    const all = [...(rule === undefined ? [] : [rule]), ...inputs.of(type, node)];
    return all.filter((one) => !meets(principal, one));
  }

  /** Returns the object types of a type's values; none for introspection, which is checked elsewhere. */
  #possible(type: GraphQLNamedType | undefined): readonly GraphQLObjectType[] {
    if (isObjectType(type)) return [type];
    return isAbstractType(type) ? this.#given.schema.getPossibleTypes(type) : [];
  }
}

function namedTypeOf(type: GraphQLObjectType, field: string): GraphQLNamedType | undefined {
  const found = type.getFields()[field];
  return found && getNamedType(found.type);
}

/** Makes a field null, or the object that it belongs to if the field can't be null. */
function leaveOut(node: FieldNode, types: readonly GraphQLObjectType[], hole: Hole, level: Level): Lost | null {
  if (types.some((type) => isNonNullType(type.getFields()[node.name.value]?.type))) return new Lost(hole);
  level.holes.push(hole);
  return null;
}

function namesOf(types: readonly GraphQLObjectType[], all: number): Types {
  return types.length === all ? null : new Set(types.map(({ name }) => name));
}

function applies(schema: GraphQLSchema, condition: string, type: GraphQLObjectType): boolean {
  if (condition === type.name) return true;
  const abstract = schema.getType(condition);
  return isAbstractType(abstract) && schema.isSubType(abstract, type);
}

function isCondition({ name: { value } }: DirectiveNode): boolean {
  return value === 'skip' || value === 'include';
}

const name = (value: string) => ({ kind: Kind.NAME, value }) as const;

const namedType = (value: string) => ({ kind: Kind.NAMED_TYPE, name: name(value) }) as const;

function typeName(key: string): FieldNode {
  return { kind: Kind.FIELD, alias: name(key), name: name('__typename') };
}

function inlineFragment(
  selections: readonly SelectionNode[],
  typeCondition: InlineFragmentNode['typeCondition'],
  directives: readonly DirectiveNode[],
): InlineFragmentNode {
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  return { kind: Kind.INLINE_FRAGMENT, ...(typeCondition && { typeCondition }), directives, selectionSet };
}

/** Replaces the selections of a field or an operation, and removes the variables that are no longer used. */
function withSelections<Node extends FieldNode | OperationDefinitionNode>(
  node: Node,
  selections: readonly SelectionNode[],
): Node {
  const changed = { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections } };
  if (changed.kind === Kind.FIELD) return changed;
  const used = new Set<string>();
  visit({ ...changed, variableDefinitions: [] }, { Variable: (variable) => void used.add(variable.name.value) });
  const { variableDefinitions = [] } = node as OperationDefinitionNode;
  return {
    ...changed,
    variableDefinitions: variableDefinitions.filter(({ variable }) => used.has(variable.name.value)),
  };
}

/** Returns a response key that the document doesn't contain. */
function unusedKey(document: DocumentNode): string {
  const names = new Set<string>();
  visit(document, { Name: ({ value }) => void names.add(value) });
  let key = 'latchkeyType';
  while (names.has(key)) key += '_';
  return key;
}
