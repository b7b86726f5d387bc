import { ApolloArmor } from '@escape.tech/graphql-armor';
import type { ParseOptions, ValidationRule } from 'graphql';
import { MAX_LINES } from '../guard/lines.js';
import { unconditionalSubscriptionRoots } from './subscriptionRoots.js';

/**
 * What a document may be at most. Cost is for the limits to count; these bound the work of looking at a document at all.
 * Tokens do most of it: graphql-js compares fields of one name pair by pair, and 700 tokens of them are some 40 ms.
 * The standard introspection query needs 13 levels and some 400 tokens, and is not counted in depth.
 */
export const DOCUMENT_LIMITS = {
  tokens: 700,
  depth: 12,
  /** Above the highest burst (100), so that too many aliases of one field are refused for their cost. */
  aliases: 200,
  directives: 50,
  lines: MAX_LINES,
} as const;

/** How large a document may be. */
export interface DocumentLimits {
  /** Tokens of the whole document. */
  readonly tokens: number;
  /** Levels of fields, without introspection. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly lines: number;
}

/** A person mends one fault at a time; suggestions for thousands of unknown fields are what an attacker asks for (B41). */
const MAX_ERRORS = 20;
/** Each repeats its variable whole, at up to 30 ms for the largest body. */
const MAX_COERCION_ERRORS = 1;

/** The largest body of a request, in bytes. */
export const MAX_BODY_BYTES = 256 * 1024;

/** How long a body may take once its header has arrived, in ms. */
export const BODY_TIME = 10_000;

/** How long the header of a request may take, or a new connection that sends none, in ms. */
export const HEADER_TIME = 15_000;

/** Bytes that bodies may take in a process while they are under way. */
export const MAX_UNFINISHED_BYTES = 64 * 2 ** 20;

export interface DocumentBounds {
  readonly parseOptions: ParseOptions;
  readonly validationRules: ValidationRule[];
  readonly validationOptions: { readonly maxErrors: number };
  readonly executionOptions: { readonly maxCoercionErrors: number };
}

/** @param limits default: {@link DOCUMENT_LIMITS} */
export function documentBounds(limits: Partial<DocumentLimits> = {}): DocumentBounds {
  const { tokens, depth, aliases, directives } = { ...DOCUMENT_LIMITS, ...limits };
  const { validationRules } = new ApolloArmor({
    maxDepth: { n: depth, flattenFragments: true },
    maxAliases: { n: aliases, allowList: [] },
    maxDirectives: { n: directives },
    maxTokens: { enabled: false },
    costLimit: { enabled: false },
    blockFieldSuggestion: { enabled: false },
  }).protect();
  return {
    parseOptions: { maxLexicalTokens: tokens },
    validationRules: [unconditionalSubscriptionRoots, ...validationRules],
    validationOptions: { maxErrors: MAX_ERRORS },
    executionOptions: { maxCoercionErrors: MAX_COERCION_ERRORS },
  };
}
