import {
  getVariableValues,
  OverlappingFieldsCanBeMergedRule,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { TOKEN_PATTERN } from '../keys/token.js';
import { brief, discreetly } from './discretion.js';

/** What was asked for, as far as it was understood. */
export interface Asked {
  readonly document: DocumentNode | undefined;
  readonly operation: OperationDefinitionNode | null | undefined;
  readonly variables: unknown;
  /** What the caller sent beside the variables, in parts. */
  readonly written: readonly string[];
}

interface Told {
  readonly message: string;
  readonly locations?: GraphQLFormattedError['locations'] | undefined;
}

/** Its messages repeat what the caller wrote, and it is what takes long of looking at a document. */
const RULES = specifiedRules.filter((rule) => rule !== OverlappingFieldsCanBeMergedRule);

/** Of a view more may be wrong than of the schema, and what is asked for is to be among it. */
const MAX_ERRORS = 100;

/** Short, and without a key, even where the caller put one into a query. */
const clean = (message: string): string => brief(message.replace(TOKEN_PATTERN, '[key]'));

/**
 * GraphQL's own messages as they are told to whoever may read `view` of a schema: as they are where that is all of it;
 * without names where it is nothing; else as a server with no other schema than the view would put them, so that a
 * suggestion names nothing that the caller does not see (B42).
 */
export function telling(schema: GraphQLSchema, view: GraphQLSchema | null, asked: Asked): (error: Told) => string {
  if (view === schema) return ({ message }) => clean(message);
  const said = view === null ? new Map<string, string>() : sayings(view, asked);
  let discreet: ((message: string) => string) | null = null;
  return (error) => {
    const own = said.get(placeOf(error));
    if (own !== undefined) return clean(own);
    discreet ??= discreetly([...asked.written, textOf(asked.variables)]);
    return discreet(clean(error.message));
  };
}

/** What is wrong with a request under a schema, by the place that it is wrong at. */
function sayings(schema: GraphQLSchema, { document, operation, variables }: Asked): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  if (document === undefined) return said;
  const faults = [...validate(schema, document, RULES, { maxErrors: MAX_ERRORS })];
  if (faults.length === 0 && operation != null) {
    const given = typeof variables === 'object' ? (variables as Record<string, unknown> | null) : null;
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given ?? {}, { maxErrors: 1 });
    faults.push(...(errors ?? []).slice(0, 1));
  }
  for (const fault of faults) {
    const place = placeOf(fault);
    if (!said.has(place)) said.set(place, fault.message);
  }
  return said;
}

function placeOf({ locations }: Told): string {
  return (locations ?? []).map(({ line, column }) => `${line}:${column}`).join();
}

function textOf(variables: unknown): string {
  try {
    return JSON.stringify(variables ?? null);
  } catch {
    // Nested too deep to be written: then nothing counts as written.
    return '';
  }
}
