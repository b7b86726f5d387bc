import { GraphQLError, parse, validate, type DocumentNode, type GraphQLSchema, type ValidationRule } from 'graphql';
import { DocumentCache } from '../../core/guard/document/documentCache.js';
import type { DocumentBounds } from '../../core/guard/document/documentBounds.js';

/** The rules that found a document valid for a schema. */
interface Verdict {
  readonly schema: GraphQLSchema;
  readonly rules: readonly ValidationRule[];
}

/**
 * Parses and validates documents within the bounds, and caches valid ones. Yoga's own cache keeps 1,024 documents of any
 * size, and 1,024 errors of parsing.
 */
export class YogaDocuments {
  readonly #bounds: DocumentBounds;
  readonly #cache = new DocumentCache();
  readonly #valid = new WeakMap<DocumentNode, Verdict>();

  constructor(bounds: DocumentBounds) {
    this.#bounds = bounds;
  }

  find(text: string): DocumentNode | undefined {
    return this.#cache.get(text);
  }

  /** @throws GraphQLError with its code and status */
  parse(text: string): DocumentNode {
    try {
      const document = parse(text, this.#bounds.parseOptions);
      this.#cache.set(text, document);
      return document;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      Object.assign(error, { extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } } });
      throw error;
    }
  }

  /** Validates a document by all rules, including those that other plugins have added for this request. */
  readonly validate = (
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: readonly ValidationRule[] = [],
  ): readonly GraphQLError[] => {
    const known = this.#valid.get(document);
    if (known?.schema === schema && areSame(known.rules, rules)) return [];
    const errors = validate(schema, document, rules, this.#bounds.validationOptions);
    if (errors.length === 0) this.#valid.set(document, { schema, rules: [...rules] });
    return errors;
  };
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}
