import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Principal } from '../auth/principal.js';
import type { Conditions } from './conditions.js';
import { meets } from './decide.js';
import { fragmentsOf } from './fragments.js';
import { FieldInputs } from './inputs/fieldInputs.js';
import { lacking, scopesOf } from './requirement.js';
import type { Rule, SchemaRules } from './rules.js';

/** A guarded field in an operation, and whether a principal has access to it. */
export interface FieldAccess {
  /** The field, the type of a fragment, or an argument or input field that is used, such as `Asset.downstream`. */
  readonly coordinate: string;
  /** The response keys that lead to it. */
  readonly path: readonly string[];
  readonly allowed: boolean;
  /** The alternatives; all scopes of one of them are required. */
  readonly requires: readonly (readonly string[])[];
  /** The missing scopes of the alternative with the fewest missing scopes. */
  readonly missing: readonly string[];
}

/**
 * The number of fields in the result, and of selections that are visited for it, because fragments can fan out (B40).
 */
const MAX_FIELDS = 200;
const MAX_SELECTIONS = 10_000;

/**
 * Lists the guarded fields, arguments and input fields of an operation in the order of the document and with their paths
 * in the response, each path once per type. The list is incomplete for a long operation, so it does not decide whether the operation may run; see
 * {@link OperationCompiler}.
 */
export function fieldAccess(
  {
    schema,
    rules,
    principal,
  }: { readonly schema: GraphQLSchema; readonly rules: SchemaRules; readonly principal: Principal },
  document: DocumentNode,
  operation: OperationDefinitionNode,
  { conditions, variables }: { readonly conditions: Conditions; readonly variables: Readonly<Record<string, unknown>> },
): FieldAccess[] {
  const fragments = fragmentsOf(document);
  const inputs = new FieldInputs(schema, rules, operation, variables);
  const told = new Map<string, FieldAccess>();
  let looked = 0;

  const tell = (rule: Rule | undefined, path: readonly string[]): void => {
    if (rule === undefined) return;
    const { coordinate, requirement } = rule;
    const key = `${coordinate} ${path.join(' ')}`;
    if (told.has(key) || told.size >= MAX_FIELDS) return;
    told.set(key, {
      coordinate,
      path,
      allowed: meets(principal, rule),
      requires: scopesOf(requirement),
      missing: lacking(requirement, principal.scopes),
    });
  };
  const narrow = (
    selections: SelectionSetNode,
    condition: string | undefined,
    parent: GraphQLObjectType,
    path: readonly string[],
  ): void => {
    if (condition !== undefined) {
      const type = schema.getType(condition);
      if (type !== parent && !(isAbstractType(type) && schema.isSubType(type, parent))) return;
      tell(rules.types.get(condition), path);
    }
    enter(selections, parent, path);
  };
  const enter = (selections: SelectionSetNode, parent: GraphQLObjectType, path: readonly string[]): void => {
    for (const selection of selections.selections) {
      looked += 1;
      if (looked > MAX_SELECTIONS || told.size >= MAX_FIELDS) return;
      if (!conditions.includes(selection)) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        narrow(selection.selectionSet, selection.typeCondition?.name.value, parent, path);
      } else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) narrow(fragment.selectionSet, fragment.typeCondition.name.value, parent, path);
      } else {
        const name = selection.name.value;
        const within = [...path, selection.alias?.value ?? name];
        tell(rules.fields.get(parent.name)?.get(name), within);
        for (const rule of inputs.of(parent, selection)) tell(rule, within);
        const field = parent.getFields()[name];
        if (field === undefined || selection.selectionSet === undefined) continue;
        for (const type of possible(schema, getNamedType(field.type).name)) enter(selection.selectionSet, type, within);
      }
    }
  };
  const root = schema.getRootType(operation.operation);
  if (root != null) enter(operation.selectionSet, root, []);
  return [...told.values()];
}

function possible(schema: GraphQLSchema, typeName: string): readonly GraphQLObjectType[] {
  const type = schema.getType(typeName);
  if (isObjectType(type)) return [type];
  return isAbstractType(type) ? schema.getPossibleTypes(type) : [];
}
