import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import { GraphQLError, type ParseOptions, type ValidationContext, type ValidationRule } from 'graphql';
import { MAX_LINES } from '../lines.js';
import { knownRootTypes } from './rootTypes.js';
import { unconditionalSubscriptionRoots } from './subscriptionRoots.js';

/**
 * Limits for documents. Cost is counted by the rate limits; these limits bound the work of reading a document at all.
 * The token limit matters most: graphql-js compares fields of the same name in pairs, which takes about 40 ms for 700
 * tokens. The standard introspection query needs 13 levels and about 400 tokens, and its depth is not counted.
 */
const DOCUMENT_LIMITS = {
  tokens: 700,
  depth: 12,
  /** Above the highest burst (100), so that too many aliases of one field are refused because of their cost. */
  aliases: 200,
  directives: 50,
  lines: MAX_LINES,
} as const;

/** How large a document can be. */
export interface DocumentLimits {
  /** Tokens in the whole document. */
  readonly tokens: number;
  /** Levels of fields, without introspection. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  readonly lines: number;
}

/**
 * A person fixes one fault at a time, and an attacker could request suggestions for thousands of unknown fields (B41).
 */
const MAX_ERRORS = 20;
/** Each error repeats its whole variable, which takes up to 30 ms for the largest body. */
const MAX_COERCION_ERRORS = 1;

/** The maximum size of a request body, in bytes. */
export const MAX_BODY_BYTES = 256 * 1024;

/** Timeout for a body once its header has arrived, in ms. */
export const BODY_TIME = 10_000;

/** Timeout for the header of a request, and for a new connection that sends none, in ms. */
export const HEADER_TIME = 15_000;

/** Maximum number of bytes for all unfinished bodies in a process. */
export const MAX_UNFINISHED_BYTES = 64 * 2 ** 20;

export interface DocumentBounds {
  readonly parseOptions: ParseOptions;
  readonly validationRules: ValidationRule[];
  readonly validationOptions: { readonly maxErrors: number };
  readonly executionOptions: { readonly maxCoercionErrors: number };
}

/** By default, a rule throws its error, which a server takes for its own fault. */
const REPORTED = {
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null, { message }: GraphQLError): void =>
      context?.reportError(new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })),
  ],
};

/**
 * Returns the options of Apollo Server that bound documents.
 *
 * @param limits default: {@link DOCUMENT_LIMITS}
 */
export function documentBounds(limits: Partial<DocumentLimits> = {}): DocumentBounds {
  const { tokens, depth, aliases, directives } = { ...DOCUMENT_LIMITS, ...limits };
  return {
    parseOptions: { maxLexicalTokens: tokens },
    validationRules: [
      knownRootTypes,
      unconditionalSubscriptionRoots,
      maxAliasesRule({ ...REPORTED, n: aliases, allowList: [] }),
      maxDirectivesRule({ ...REPORTED, n: directives }),
      maxDepthRule({ ...REPORTED, n: depth, flattenFragments: true }),
    ],
    validationOptions: { maxErrors: MAX_ERRORS },
    executionOptions: { maxCoercionErrors: MAX_COERCION_ERRORS },
  };
}
