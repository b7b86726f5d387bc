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
import { printable } from './printable.js';

/** The valid parts of a request. */
interface Asked {
  readonly document: DocumentNode | undefined;
  readonly operation: OperationDefinitionNode | null | undefined;
  readonly variables: unknown;
  /** The parts of the request besides the variables. */
  readonly written: readonly string[];
}

interface Told {
  readonly message: string;
  readonly locations?: GraphQLFormattedError['locations'] | undefined;
}

/** This rule takes the most time, and its messages only repeat the request. */
const RULES = specifiedRules.filter((rule) => rule !== OverlappingFieldsCanBeMergedRule);

/** A request can have more errors for a part of the schema than for all of it. The list must include those to show. */
const MAX_ERRORS = 100;

/** Shortens a message and removes keys, which callers put into queries by mistake. */
const clean = (message: string): string => brief(message.replace(TOKEN_PATTERN, '[key]'));

/**
 * Returns a function that rewrites GraphQL's error messages for a caller who may read `view` of a schema (B42). If the caller can read the
 * whole schema, the messages stay as they are. If it is a part, they are those of a server whose schema is that part. If
 * it is nothing, they contain no names of the schema.
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

/** Returns the error messages of a request for a schema, by position. */
function sayings(schema: GraphQLSchema, { document, operation, variables }: Asked): ReadonlyMap<string, string> {
  const said = new Map<string, string>();
  if (document === undefined) return said;
  const faults = [...validate(schema, document, RULES, { maxErrors: MAX_ERRORS })];
  if (faults.length === 0 && operation != null) {
    const given = typeof variables === 'object' ? (variables as Record<string, unknown> | null) : null;
    const short = printable(schema, operation, given ?? {});
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], short, { maxErrors: 1 });
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
    // Too deeply nested to serialize. In this case, all names are removed.
    return '';
  }
}
