import type { GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Principal } from '../credentials/principal.js';
import { meets } from './decide.js';
import { rulesOf } from './guard.js';
import { pruned } from './prune.js';
import type { Requirement } from './requirement.js';
import type { Rule, SchemaRules } from './rules.js';
import { visibleFields } from './visible.js';

/** Views of one schema that are remembered: each takes as much memory as the part of the schema that it shows. */
const MAX_VIEWS = 64;

const viewsBySchema = new WeakMap<GraphQLSchema, Views>();

/**
 * The schema as a principal sees it, made once for all who see the same: the schema itself where they see all of it, null
 * where they see no query.
 */
export function viewOf(schema: GraphQLSchema, principal: Principal): GraphQLSchema | null {
  let views = viewsBySchema.get(schema);
  if (views === undefined) viewsBySchema.set(schema, (views = new Views(schema, rulesOf(schema))));
  return views.of(principal);
}

/** A schema's views, by which of its requirements are met: scopes of many kinds come to the same few. */
export class Views {
  readonly #schema: GraphQLSchema;
  readonly #rules: SchemaRules;
  /** One rule for each requirement: rules that say the same share theirs. */
  readonly #examples: ReadonlyMap<Requirement, Rule>;
  readonly #views = new LRUCache<string, { readonly schema: GraphQLSchema | null }>({ max: MAX_VIEWS });

  constructor(schema: GraphQLSchema, rules: SchemaRules) {
    this.#schema = schema;
    this.#rules = rules;
    const ofFields = [...rules.fields.values()].flatMap((ofType) => [...ofType.values()]);
    this.#examples = new Map(ofFields.map((rule) => [rule.requirement, rule]));
  }

  /** Views remembered. */
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
      const visible = visibleFields(this.#schema, this.#rules, ({ requirement }) => met.has(requirement));
      this.#views.set(reach, (view = { schema: pruned(this.#schema, visible) }));
    }
    return view.schema;
  }
}
