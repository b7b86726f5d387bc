import {
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLArgument,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { Rule, SchemaRules } from '../rules.js';
import { hasInputRules } from './inputPlans.js';

type WithFields = GraphQLObjectType | GraphQLInterfaceType;

const NOTHING: ReadonlySet<string> = new Set();

/** The arguments and input fields that a caller may not use. */
export class HiddenInputs {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  readonly #meets: (rule: Rule) => boolean;
  /** By input type. */
  readonly #fields = new Map<string, Set<string>>();
  /** Input types that no caller of this view can give a value. */
  readonly #unusable = new Set<string>();
  /** Whether there are no hidden inputs. */
  readonly isEmpty: boolean;

  constructor(schema: GraphQLSchema, rules: SchemaRules, meets: (rule: Rule) => boolean) {
    this.#schema = schema;
    this.#rules = rules;
    this.#meets = meets;
    const all = [...rules.arguments.values(), ...rules.inputs.values()].flatMap((ofPart) => [...ofPart.values()]);
    this.isEmpty = !hasInputRules(rules) || all.every(meets);
    if (!this.isEmpty) this.#hide(Object.values(schema.getTypeMap()).filter(isInputObjectType));
  }

  /** Returns whether an input field is hidden. */
  hidesInput(type: GraphQLInputObjectType, name: string): boolean {
    return this.#fields.get(type.name)?.has(name) === true;
  }

  /** Returns whether a field of an object type can't be selected, because it requires a hidden argument. */
  hidesField(type: GraphQLObjectType, field: string): boolean {
    if (this.isEmpty) return false;
    const hidden = this.ofField(type, field);
    const args = type.getFields()[field]?.args ?? [];
    return args.some((argument) => hidden.has(argument.name) && isRequiredArgument(argument));
  }

  /** Returns the hidden arguments of a field: of an interface, those that one of its types hides, because a type must have them all. */
  ofField(type: WithFields, field: string): ReadonlySet<string> {
    if (this.isEmpty) return NOTHING;
    const objects = isInterfaceType(type) ? this.#schema.getPossibleTypes(type) : [];
    const hidden = new Set<string>();
    for (const one of [type, ...objects]) {
      for (const argument of one.getFields()[field]?.args ?? []) {
        if (this.#hidesArgument(one, field, argument)) hidden.add(argument.name);
      }
    }
    return hidden;
  }

  /** Returns whether an argument of a directive is hidden. */
  hidesOfDirective({ type }: GraphQLArgument): boolean {
    return this.#unusable.has(getNamedType(type).name);
  }

  #hidesArgument(type: WithFields, field: string, { name, type: given }: GraphQLArgument): boolean {
    const rule = isObjectType(type) ? this.#rules.arguments.get(`${type.name}.${field}`)?.get(name) : undefined;
    return (rule !== undefined && !this.#meets(rule)) || this.#unusable.has(getNamedType(given).name);
  }

  /** Hiding a field can only make more types unusable, so the order does not matter. */
  #hide(types: readonly GraphQLInputObjectType[]): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const type of types) {
        if (this.#unusable.has(type.name) || !this.#isUnusable(type)) continue;
        this.#unusable.add(type.name);
        changed = true;
      }
    }
  }

  #isUnusable(type: GraphQLInputObjectType): boolean {
    const fields = Object.values(type.getFields());
    const rules = this.#rules.inputs.get(type.name);
    const hidden = fields.filter((field) => {
      const rule = rules?.get(field.name);
      return (rule !== undefined && !this.#meets(rule)) || this.#unusable.has(getNamedType(field.type).name);
    });
    if (hidden.length > 0) this.#fields.set(type.name, new Set(hidden.map(({ name }) => name)));
    return hidden.length === fields.length || hidden.some(isRequiredInputField);
  }
}
