import {
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** The size of a list without a directive. */
export const LIST_SIZE = 10;

type Field = GraphQLField<unknown, unknown>;
interface Part {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined;
}
interface Size {
  readonly assumedSize?: number;
  readonly slicingArguments?: readonly string[];
  readonly sizedFields?: readonly string[];
}

function directive(part: Part | undefined, name: string): Record<string, unknown> | null {
  const node = part?.astNode?.directives?.find((one) => one.name.value === name);
  if (node === undefined) return null;
  return Object.fromEntries((node.arguments ?? []).map((arg) => [arg.name.value, valueFromASTUntyped(arg.value)]));
}

/** In thousandths. */
function weight(part: Part | undefined, otherwise: number): number {
  const given = directive(part, 'cost')?.weight;
  return given === undefined ? otherwise * 1000 : Math.round(Number(given) * 1000);
}

/**
 * Interprets the IBM GraphQL cost specification literally: no formulas, no caches, and every fragment is read where it is used.
 */
export class Oracle {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #operation: OperationDefinitionNode;
  readonly #variables: Readonly<Record<string, unknown>>;

  constructor(schema: GraphQLSchema, document: DocumentNode, variables: Readonly<Record<string, unknown>>) {
    this.#schema = schema;
    this.#document = document;
    const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
    if (operation === undefined) throw new Error('The document has an operation.');
    this.#operation = operation;
    const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)] as const],
    );
    this.#variables = { ...Object.fromEntries(defaults), ...variables };
  }

  /** Section 5.1.1: the static analysis of a query, as field cost and type cost together. */
  estimate(): number {
    const root = this.#schema.getRootType(this.#operation.operation);
    if (root == null) throw new Error('The schema has this kind of operation.');
    const units = this.typeCost(root) + this.#ofSelections(this.#operation.selectionSet, root, null);
    return Math.max(1, Math.ceil(units / 1000));
  }

  /** Section 7.1: the weight of one value of a type. */
  typeCost(type: GraphQLType): number {
    const named = getNamedType(type);
    return weight(named, isCompositeType(named) ? 1 : 0);
  }

  /** Section 5.3.2.2: the cost of one call of a field. */
  fieldCost(node: FieldNode, field: Field): number {
    const raw = weight(field, isCompositeType(getNamedType(field.type)) ? 1 : 0);
    const ofArguments = field.args.map((arg) => {
      const given = node.arguments?.find(({ name }) => name.value === arg.name)?.value;
      return given === undefined ? 0 : this.#input(arg, valueFromASTUntyped(given, this.#variables), arg.type);
    });
    const ofDirectives = (node.directives ?? []).flatMap(({ name, arguments: args = [] }) =>
      (this.#schema.getDirective(name.value)?.args ?? []).map((arg) => {
        const given = args.find((one) => one.name.value === arg.name)?.value;
        return given === undefined ? 0 : this.#input(arg, valueFromASTUntyped(given, this.#variables), arg.type);
      }),
    );
    return Math.max(
      0,
      [raw, ...ofArguments, ...ofDirectives].reduce((a, b) => a + b, 0),
    );
  }

  #input(part: Part, value: unknown, type: GraphQLInputType): number {
    if (value === null || value === undefined) return 0;
    return weight(part, isInputObjectType(getNamedType(type)) ? 1 : 0) + this.#inputFields(value, type);
  }

  #inputFields(value: unknown, type: GraphQLInputType): number {
    const named = getNamedType(type);
    if (!isInputObjectType(named)) return 0;
    let sum = 0;
    for (const item of [value].flat(Infinity)) {
      if (typeof item !== 'object' || item === null) continue;
      for (const field of Object.values(named.getFields())) {
        sum += this.#input(field, (item as Record<string, unknown>)[field.name], field.type);
      }
    }
    return sum;
  }

  isIncluded({ directives = [] }: SelectionNode): boolean {
    const node = { directives };
    const skip = getDirectiveValues(GraphQLSkipDirective, node, { ...this.#variables });
    const include = getDirectiveValues(GraphQLIncludeDirective, node, { ...this.#variables });
    return skip?.if !== true && include?.if !== false;
  }

  #ofSelections(
    set: SelectionSetNode | undefined,
    type: GraphQLObjectType,
    sized: ReadonlyMap<string, number> | null,
  ): number {
    let sum = 0;
    for (const selection of set?.selections ?? []) {
      if (!this.isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const field = type.getFields()[selection.name.value];
        if (field !== undefined) sum += this.#ofField(selection, field, type, sized?.get(field.name));
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection
            : this.#document.definitions.find(
                (node) => node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === selection.name.value,
              );
        if (fragment?.kind !== Kind.INLINE_FRAGMENT && fragment?.kind !== Kind.FRAGMENT_DEFINITION) continue;
        if (this.#isOf(type, fragment.typeCondition?.name.value)) {
          sum += this.#ofSelections(fragment.selectionSet, type, sized);
        }
      }
    }
    return sum;
  }

  #isOf(type: GraphQLObjectType, condition: string | undefined): boolean {
    const wanted = condition === undefined ? type : this.#schema.getType(condition);
    return wanted === type || (isAbstractType(wanted) && this.#schema.isSubType(wanted, type));
  }

  #ofField(node: FieldNode, field: Field, parent: GraphQLObjectType, given: number | undefined): number {
    const named = getNamedType(field.type);
    const size = this.#directive(parent, field);
    const count = this.#count(node, field, size);
    const sized = size?.sizedFields === undefined ? null : new Map(size.sizedFields.map((name) => [name, count]));
    const types = isObjectType(named) ? [named] : isAbstractType(named) ? this.#schema.getPossibleTypes(named) : [];
    const one = isLeafType(named)
      ? this.typeCost(named)
      : Math.max(...types.map((type) => this.typeCost(type) + this.#ofSelections(node.selectionSet, type, sized)));
    const levels = levelsOf(field.type);
    const outer = given ?? (size !== null && sized === null ? count : LIST_SIZE);
    const values = levels === 0 ? 1 : outer * LIST_SIZE ** (levels - 1);
    return this.fieldCost(node, field) + values * one;
  }

  #directive(parent: GraphQLObjectType, field: Field): Size | null {
    const declared = [field, ...parent.getInterfaces().map((one) => one.getFields()[field.name])];
    for (const one of declared) {
      const found = directive(one, 'listSize');
      if (found !== null) return found;
    }
    return null;
  }

  /** Sections 8.1 and 8.2. */
  #count(node: FieldNode, field: Field, size: Size | null): number {
    const values = (size?.slicingArguments ?? []).flatMap((path) => {
      const [name = '', ...rest] = path.split('.');
      const arg = field.args.find((one) => one.name === name);
      const written = node.arguments?.find((one) => one.name.value === name)?.value;
      let value = written === undefined ? undefined : valueFromASTUntyped(written, this.#variables);
      if (value === undefined) value = arg?.defaultValue;
      let type = arg && getNamedType(arg.type);
      for (const inner of rest) {
        if (!isInputObjectType(type) || typeof value !== 'object' || value === null) return [];
        const part = type.getFields()[inner];
        const given = (value as Record<string, unknown>)[inner];
        value = given === undefined ? part?.defaultValue : given;
        type = part && getNamedType(part.type);
      }
      return Array.isArray(value) ? [value.length] : typeof value === 'number' ? [Math.max(0, value)] : [];
    });
    return values.length > 0 ? Math.max(...values) : (size?.assumedSize ?? LIST_SIZE);
  }
}

function levelsOf(type: GraphQLType): number {
  if (isNonNullType(type)) return levelsOf(type.ofType);
  return isListType(type) ? 1 + levelsOf(type.ofType) : 0;
}
