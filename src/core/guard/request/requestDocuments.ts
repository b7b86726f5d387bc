import {
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import { DocumentCache } from '../document/documentCache.js';
import type { RequestGuard } from './requestGuard.js';

/** A document to execute, or the reasons why it can't be executed. */
export type ReadDocument =
  | { readonly document: DocumentNode; readonly wasParsed: boolean; readonly errors?: undefined }
  | { readonly document?: DocumentNode; readonly wasParsed: boolean; readonly errors: readonly GraphQLError[] };

/**
 * Parses and validates documents within the guard's bounds, for servers that leave this to their adapter. Valid documents
 * are cached.
 */
export class RequestDocuments {
  readonly #guard: RequestGuard;
  readonly #schema: GraphQLSchema;
  readonly #rules: readonly ValidationRule[];
  readonly #valid = new DocumentCache();

  /** @param rules in addition to the specified ones and those of the guard */
  constructor(guard: RequestGuard, schema: GraphQLSchema, rules: readonly ValidationRule[] = []) {
    this.#guard = guard;
    this.#schema = schema;
    this.#rules = [...specifiedRules, ...guard.bounds.validationRules, ...rules];
  }

  read(text: string): ReadDocument {
    const known = this.#valid.get(text);
    if (known !== undefined) return { document: known, wasParsed: false };
    const tooLong = this.#guard.refuseLines(text);
    if (tooLong !== null) return { errors: [tooLong], wasParsed: false };
    const { parseOptions, validationOptions } = this.#guard.bounds;
    let document: DocumentNode;
    try {
      document = parse(text, parseOptions);
    } catch (error) {
      return { errors: [withCode(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')], wasParsed: true };
    }
    const errors = validate(this.#schema, document, this.#rules, validationOptions);
    if (errors.length > 0) {
      return { document, errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')), wasParsed: true };
    }
    this.#valid.set(text, document);
    return { document, wasParsed: true };
  }
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  return Object.assign(error, { extensions: { code, ...error.extensions } });
}
