import {
  buildASTSchema,
  getNamedType,
  getNullableType,
  GraphQLError,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  parse,
  validateSchema,
  visit,
  type ConstDirectiveNode,
  type DirectiveDefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { unavailable } from '../../core/errors/refusal.js';
import { markForwarded } from '../../core/guard/forwardedSchemas.js';
import { COST, isCostDirective, LIST_SIZE } from '../../core/guard/cost/costDirectives.js';
import type { ListSizeExtension } from '../../core/guard/ruleExtensions.js';
import { directiveTypeDefs } from '../../management/schema/typeDefs.js';
import { SettingsError } from '../../shared/settings/error.js';
import { FaultCollector } from '../../shared/settings/faultCollector.js';
import type { Policy, Ruling } from './gatewayPolicy.js';
import type { PolicyCosts } from './policyCosts.js';

/** Where a schema comes from, for messages. */
interface Source {
  /** The schema definition. */
  readonly sdl: string;
  /** Names it at the start of a message: `The schema file schema.graphql`. */
  readonly label: string;
}

/** The schema of a gateway. */
export interface GatewaySchema {
  /** With its rules, not guarded yet. Its fields can't be executed: operations are forwarded. */
  readonly schema: GraphQLSchema;
  /** With all fields that are decided, also the closed ones: what the upstream is compared with. */
  readonly known: GraphQLSchema;
  /** null if the rules are in the schema. */
  readonly policy: Policy | null;
  /** The definition from which it was read. */
  readonly sdl: string;
}

/**
 * Returns the schema of a gateway from an annotated schema: fields that are not in it are closed.
 *
 * @throws SettingsError
 */
export function annotatedSchema({ sdl, label }: Source): GatewaySchema {
  const document = parsed({ sdl, label });
  // A printed schema has the definitions already. If they differ from ours, the check of the guard says so.
  const declared = new Set(document.definitions.map(identityOf));
  const ours = directiveTypeDefs().definitions.filter((node) => !declared.has(identityOf(node)));
  const schema = built({ kind: Kind.DOCUMENT, definitions: [...ours, ...document.definitions] }, label);
  return { schema: forwardOnly(schema), known: schema, policy: null, sdl };
}

/**
 * Returns the schema of a gateway from the schema of the upstream and a policy. Directives of the upstream are dropped, because
 * only the policy decides.
 *
 * @throws SettingsError with all faults, also if a root field is undecided, or a line of the policy matches nothing
 */
export function policedSchema({ sdl, label }: Source, policy: Policy): GatewaySchema {
  const document = withoutDirectives(parsed({ sdl, label }));
  const known = built(document, label);
  checkPolicy(known, policy);
  const closed = closedFields(known, policy);
  const schema = built(
    withoutFields(document, known, closed),
    `${label}, without the fields that ${policy.path} closes,`,
  );
  applyRulings(schema, policy);
  applyCosts(schema, policy);
  return { schema: forwardOnly(schema), known, policy, sdl };
}

/** @throws SettingsError with all faults of a policy for a schema */
function checkPolicy(schema: GraphQLSchema, policy: Policy): void {
  const faults = new FaultCollector();
  checkNames(schema, policy, faults);
  const contradictions = checkPatterns(schema, policy);
  contradictions.forEach((error) => faults.add(error));
  if (contradictions.length === 0) {
    const undecided = undecidedFields(schema, policy);
    const isOpen = undecided.length > 0 && !policy.deniesByDefault;
    if (isOpen) faults.add(new SettingsError(undecidedFault(policy, undecided)));
    else checkInterfaces(schema, closedFields(schema, policy), policy, faults);
  }
  faults.assertNone();
}

/** Returns an error for each field for which equally specific patterns contradict each other. */
function checkPatterns(schema: GraphQLSchema, policy: Policy): SettingsError[] {
  const faults: SettingsError[] = [];
  const check = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(error);
    }
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (!hasFields(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      check(() => policy.of(coordinate));
      if (isObjectType(type)) check(() => policy.costsOf(coordinate, (size) => canHave(field, size)));
    }
  }
  return faults;
}

/** Returns the coordinates of root fields without a line in the policy, sorted by type. */
export function undecidedFields(schema: GraphQLSchema, policy: Policy): string[] {
  return rootTypes(schema).flatMap((type) =>
    Object.keys(type.getFields())
      .map((name) => `${type.name}.${name}`)
      .filter((coordinate) => policy.of(coordinate) === null && policy.exactly(type.name) === null),
  );
}

/** Returns the root types, in the order query, mutation, subscription. */
export function rootTypes(schema: GraphQLSchema) {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter((type) => type != null);
}

function undecidedFault({ path }: Policy, undecided: readonly string[]): string {
  const [first = ''] = undecided;
  const named = undecided.slice(0, 10).join(', ');
  const more = undecided.length > 10 ? ` and ${undecided.length - 10} more` : '';
  return `${path} has no line for ${named}${more}. Add a line for each, such as "${first}: deny", or "default: deny" to close all fields without a line.`;
}

function parsed({ sdl, label }: Source): DocumentNode {
  try {
    // Types can have thousands of fields. The limit is far above real schemas, and bounds the work for a hostile one.
    return parse(sdl, { noLocation: true, maxLexicalTokens: 1_000_000 });
  } catch (error) {
    if (error instanceof GraphQLError) throw new SettingsError(`${label} is not a GraphQL schema: ${error.message}`);
    throw error;
  }
}

function built(document: DocumentNode, label: string): GraphQLSchema {
  try {
    const schema = buildASTSchema(document);
    const faults = validateSchema(schema);
    if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join('\n\n'));
    return schema;
  } catch (error) {
    const faults = (error as Error).message.split('\n\n');
    throw new SettingsError(faults.map((fault) => `${label} is not a valid schema: ${fault}`));
  }
}

/** Returns a text that is the same for two definitions of one directive or type. */
function identityOf(node: DocumentNode['definitions'][number]): string {
  return `${node.kind} ${'name' in node ? node.name.value : ''}`;
}

/**
 * Removes all directives but those of the specification and those of costs, and definitions that can't occur in operations. Costs give
 * access to nothing, and a policy has none.
 */
function withoutDirectives(document: DocumentNode): DocumentNode {
  const kept = new Set(['deprecated', 'specifiedBy', 'oneOf']);
  for (const node of document.definitions) {
    // Another directive with the same name would hide the costs of the policy.
    if (node.kind === Kind.DIRECTIVE_DEFINITION && isCostDefinition(node)) kept.add(node.name.value);
  }
  return visit(document, {
    Directive: ({ name }: DirectiveNode) => (kept.has(name.value) ? undefined : null),
    DirectiveDefinition: ({ name, locations }) =>
      kept.has(name.value) || locations.some(({ value }) => OF_OPERATIONS.has(value)) ? undefined : null,
    // Only there to be extended with directives of the schema.
    SchemaExtension: ({ operationTypes = [] }) => (operationTypes.length > 0 ? undefined : null),
  });
}

function isCostDefinition({ name, arguments: args = [] }: DirectiveDefinitionNode): boolean {
  return isCostDirective(
    name.value,
    args.map((arg) => arg.name.value),
  );
}

const OF_OPERATIONS: ReadonlySet<string> = new Set([
  ...(['QUERY', 'MUTATION', 'SUBSCRIPTION', 'FIELD', 'FRAGMENT_DEFINITION'] as const),
  ...(['FRAGMENT_SPREAD', 'INLINE_FRAGMENT', 'VARIABLE_DEFINITION'] as const),
]);

/** A misspelled line would leave the intended field open. */
function checkNames(schema: GraphQLSchema, policy: Policy, faults: FaultCollector): void {
  const unused = policy.unmatched({ ofObjects: fieldsIn(schema, isObjectType), all: fieldsIn(schema, hasFields) });
  for (const name of unused) {
    faults.add(
      new SettingsError(
        `${policy.path}: ${name} matches no field of the upstream's object types. Correct or remove the line.`,
      ),
    );
  }
  for (const name of policy.names) faults.run(() => checkLine(schema, policy, name));
}

/** @throws SettingsError */
function checkLine(schema: GraphQLSchema, policy: Policy, name: string): void {
  const [typeName = '', fieldName] = name.split('.');
  const type = schema.getType(typeName);
  const ruling = policy.exactly(name);
  const at = `${policy.path}: ${name}`;
  const costs = policy.costsExactly(name);
  if (fieldName === undefined) checkTypeLine(at, type, ruling, costs);
  else if (!hasField(type, fieldName)) {
    throw new SettingsError(`${at} is not a field of the upstream. Correct or remove the line.`);
  } else if (isInterfaceType(type) && ((ruling !== null && ruling.kind !== 'deny') || costs.weight !== null)) {
    const types = schema.getPossibleTypes(type).map((possible) => `${possible.name}.${fieldName}`);
    throw new SettingsError(
      `${at} is a field of an interface. Write the line for its types: ${types.slice(0, 5).join(', ')}.`,
    );
  }
}

function checkTypeLine(
  at: string,
  type: GraphQLNamedType | undefined,
  ruling: Ruling | null,
  { weight, listSize }: PolicyCosts,
): void {
  const isWeighed = ruling === null && weight !== null && isLeafType(type);
  if (!isObjectType(type) && !isWeighed) {
    throw new SettingsError(`${at} is not an object type of the upstream. Correct or remove the line.`);
  }
  if (listSize !== null) throw new SettingsError(`${at} is a type, and list_size is for fields. Remove it.`);
  if (ruling !== null && ruling.kind !== 'auth') {
    throw new SettingsError(`${at} can only require scopes. To close its fields, write "${type.name}.*: deny".`);
  }
}

type WithFields = GraphQLObjectType | GraphQLInterfaceType;

/** Returns the coordinates of the fields of some types. */
function fieldsIn(schema: GraphQLSchema, isOne: (type: unknown) => type is WithFields): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isOne(type))
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));
}

function hasFields(type: unknown): type is WithFields {
  return isObjectType(type) || isInterfaceType(type);
}

function hasField(type: GraphQLNamedType | undefined, name: string): boolean {
  return hasFields(type) && Object.hasOwn(type.getFields(), name);
}

/** Returns the coordinates of all fields that the policy closes, and of root fields that it doesn't decide. */
function closedFields(schema: GraphQLSchema, policy: Policy): Set<string> {
  const closed = new Set(undecidedFields(schema, policy));
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || (!isObjectType(type) && !isInterfaceType(type))) continue;
    for (const name of Object.keys(type.getFields())) {
      const coordinate = `${type.name}.${name}`;
      if (policy.of(coordinate)?.kind === 'deny') closed.add(coordinate);
    }
  }
  return closed;
}

/** A type can't lack a field of its interface. */
function checkInterfaces(
  schema: GraphQLSchema,
  closed: ReadonlySet<string>,
  { path }: Policy,
  faults: FaultCollector,
): void {
  for (const coordinate of closed) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    const required = type
      .getInterfaces()
      .find((one) => hasField(one, fieldName) && !closed.has(`${one.name}.${fieldName}`));
    if (required === undefined) continue;
    faults.add(
      new SettingsError(
        `${path} closes ${coordinate}, which its interface ${required.name} requires. Close ${required.name}.${fieldName}, too.`,
      ),
    );
  }
}

/** Removes closed fields, root types without fields, and types that can't be reached any more. */
function withoutFields(document: DocumentNode, schema: GraphQLSchema, closed: ReadonlySet<string>): DocumentNode {
  if (closed.size === 0) return document;
  const roots = new Map(rootTypes(schema).map((type) => [type.name, type]));
  const isEmpty = (name: string): boolean => {
    const fields = Object.keys(roots.get(name)?.getFields() ?? {});
    return roots.has(name) && fields.every((field) => closed.has(`${name}.${field}`));
  };
  const query = schema.getQueryType()?.name;
  if (query !== undefined && isEmpty(query)) throw new SettingsError(NOTHING_OPEN);
  const kept = <
    Node extends { readonly name: { readonly value: string }; readonly fields?: readonly FieldDefinitionNode[] },
  >(
    node: Node,
  ): Node | null => {
    if (isEmpty(node.name.value)) return null;
    return { ...node, fields: node.fields?.filter(({ name }) => !closed.has(`${node.name.value}.${name.value}`)) };
  };
  const open = visit(document, {
    ObjectTypeDefinition: kept,
    ObjectTypeExtension: kept,
    InterfaceTypeDefinition: kept,
    InterfaceTypeExtension: kept,
    OperationTypeDefinition: ({ type }) => (isEmpty(type.name.value) ? null : undefined),
  });
  return reachable(open, [...roots.keys()]);
}

const NOTHING_OPEN =
  'The policy closes every field of the query type, so there is nothing to serve. Open one: replace deny with public, authenticated or a scope.';

/** Removes types that no operation can reach, which may have lost all their fields. */
function reachable(document: DocumentNode, roots: readonly string[]): DocumentNode {
  const byName = new Map<string, DocumentNode['definitions'][number][]>();
  const implementing = new Map<string, string[]>();
  for (const node of document.definitions) {
    if (!isTypeDefinitionNode(node) && !isTypeExtensionNode(node)) continue;
    const name = node.name.value;
    byName.set(name, [...(byName.get(name) ?? []), node]);
    for (const { name: above } of ('interfaces' in node ? node.interfaces : undefined) ?? []) {
      implementing.set(above.value, [...(implementing.get(above.value) ?? []), name]);
    }
  }
  const reached = new Set<string>();
  const reach = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const node of byName.get(name) ?? []) visit(node, { NamedType: (named) => reach(named.name.value) });
    for (const below of implementing.get(name) ?? []) reach(below);
  };
  for (const root of roots) if (byName.has(root)) reach(root);
  for (const node of document.definitions) {
    if (node.kind === Kind.DIRECTIVE_DEFINITION) visit(node, { NamedType: (named) => reach(named.name.value) });
  }
  return {
    ...document,
    definitions: document.definitions.filter(
      (node) => !(isTypeDefinitionNode(node) || isTypeExtensionNode(node)) || reached.has(node.name.value),
    ),
  };
}

/** Adds the rules of the policy to types and fields, in the form of code-first schemas. */
function applyRulings(schema: GraphQLSchema, policy: Policy): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    annotate(type, policy.exactly(type.name));
    for (const field of Object.values(type.getFields())) annotate(field, policy.of(`${type.name}.${field.name}`));
  }
}

function annotate(part: { extensions: object }, ruling: Ruling | null): void {
  if (ruling === null || ruling.kind === 'deny') return;
  const args = ruling.kind === 'auth' && ruling.scope !== null ? { scope: ruling.scope } : {};
  part.extensions = { ...part.extensions, directives: { [ruling.kind]: args } };
}

/** Adds the costs of the policy to types and fields, replacing the upstream's costs. */
function applyCosts(schema: GraphQLSchema, policy: Policy): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isObjectType(type) || isLeafType(type)) weigh(type, policy.costsExactly(type.name));
    if (isInterfaceType(type)) {
      for (const field of Object.values(type.getFields()))
        weigh(field, policy.costsExactly(`${type.name}.${field.name}`));
    }
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      weigh(
        field,
        policy.costsOf(`${type.name}.${field.name}`, (size) => canHave(field, size)),
      );
    }
  }
}

/** Returns whether a pattern's size of a list applies to a field: it returns a list or the fields with it, and has its arguments. */
function canHave({ args, type }: GraphQLField<unknown, unknown>, size: ListSizeExtension): boolean {
  const { slicingArguments = [], sizedFields = [] } = size;
  const named = getNamedType(type);
  const isSized =
    sizedFields.length === 0
      ? isListType(getNullableType(type))
      : isObjectType(named) && sizedFields.every((name) => hasField(named, name));
  return isSized && slicingArguments.every((name) => args.some((arg) => arg.name === name.split('.')[0]));
}

type Weighable = GraphQLField<unknown, unknown> | GraphQLObjectType | GraphQLLeafType;

function weigh(part: Weighable, { weight, listSize }: PolicyCosts): void {
  if (weight === null && listSize === null) return;
  const replaced = new Set([...(weight === null ? [] : [COST]), ...(listSize === null ? [] : [LIST_SIZE])]);
  const without = <Node extends { readonly directives?: readonly ConstDirectiveNode[] | undefined }>(
    node: Node,
  ): Node => ({
    ...node,
    directives: node.directives?.filter(({ name }) => !replaced.has(name.value)),
  });
  if (part.astNode != null) part.astNode = without(part.astNode) as never;
  if ('extensionASTNodes' in part)
    part.extensionASTNodes = part.extensionASTNodes.map((node) => without(node)) as never;
  const latchkey = { ...(weight !== null && { cost: weight }), ...(listSize !== null && { listSize }) };
  part.extensions = { ...part.extensions, latchkey };
}

/** Operations run in the upstream. If one were executed here by mistake, it must fail and not return nulls. */
function forwardOnly(schema: GraphQLSchema): GraphQLSchema {
  markForwarded(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = () => {
        throw unavailable('The operation was not forwarded to the upstream. Try again in 1 s.', 1);
      };
    }
  }
  return schema;
}
