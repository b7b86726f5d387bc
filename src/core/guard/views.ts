import { isInputObjectType, isInterfaceType, isObjectType, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../auth/principal.js';
import { meets } from './decide.js';
import { rulesOf } from './guard.js';
import { pruned } from './prune.js';
import type { Requirement } from './requirement.js';
import type { Rule, SchemaRules } from './rules.js';
import { OfSchema } from './schemaRevision.js';
import { visibleParts } from './visible.js';

/**
 * The number of cached views of one schema, and of their types, fields and arguments together. Each of these takes
 * about 350 bytes, so the views of a large schema take up to 35 MB.
 */
const MAX_VIEWS = 64;
const MAX_PARTS = 100_000;

interface View {
  readonly schema: GraphQLSchema | null;
  readonly parts: number;
}

const viewsBySchema = new OfSchema((schema) => new Views(schema, rulesOf(schema)));

/**
 * Returns the part of the schema that a principal has access to: the schema itself if it is all of it, null if there is
 * no query. Callers with the same access share one object.
 */
export function viewOf(schema: GraphQLSchema, principal: Principal): GraphQLSchema | null {
  return viewsBySchema.of(schema).of(principal);
}

/** The cached views of a schema, by the requirements that are met. Many combinations of scopes have the same view. */
export class Views {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  /** One rule for each requirement, because equal rules share it. */
  readonly #examples: ReadonlyMap<Requirement, Rule>;
  readonly #views = new LRUCache<string, View>({
    max: MAX_VIEWS,
    maxSize: MAX_PARTS,
    sizeCalculation: ({ parts }) => parts,
  });

  constructor(schema: GraphQLSchema, rules: SchemaRules) {
    this.#schema = schema;
    this.#rules = rules;
    const nested = [rules.fields, rules.arguments, rules.inputs].flatMap((map) => [...map.values()]);
    const all = nested.flatMap((ofPart) => [...ofPart.values()]);
    this.#examples = new Map(all.map((rule) => [rule.requirement, rule]));
  }

  /** The number of cached views. */
  get size(): number {
    return this.#views.size;
  }

  of(principal: Principal): GraphQLSchema | null {
    const met = new Set<Requirement>();
    let reach = '';
    for (const [requirement, rule] of this.#examples) {
      const isMet = meets(principal, rule);
      if (isMet) met.add(requirement);
      reach += isMet ? '1' : '0';
    }
    if (met.size === this.#examples.size) return this.#schema;
    let view = this.#views.get(reach);
    if (view === undefined) {
      const visible = visibleParts(this.#schema, this.#rules, ({ requirement }) => met.has(requirement));
      const schema = pruned(this.#schema, visible);
      this.#views.set(reach, (view = { schema, parts: partsOf(schema) }));
    }
    return view.schema;
  }
}

function partsOf(schema: GraphQLSchema | null): number {
  let parts = 1;
  for (const type of Object.values(schema?.getTypeMap() ?? {})) {
    parts += 1;
    if (isInputObjectType(type)) parts += Object.keys(type.getFields()).length;
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const { args } of Object.values(type.getFields())) parts += 1 + args.length;
  }
  return parts;
}
