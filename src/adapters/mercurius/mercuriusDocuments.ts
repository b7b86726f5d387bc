import {
  getOperationAST,
  GraphQLError,
  Location,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { DocumentCache, MAX_CACHED_DOCUMENT_BYTES } from '../../core/guard/document/documentCache.js';
import { retainedBytes } from '../../core/guard/document/retainedBytes.js';
import { printable } from '../../core/guard/printable.js';
import { checkVariables } from '../../core/guard/validVariables.js';
import { whenDone } from '../../core/util/whenDone.js';
import type { AdapterParts } from './adapterParts.js';
import type { MaybePromise } from './fastifyHooks.js';
import { badRequest, RequestErrors, unknownOperation, withCode } from './mercuriusErrors.js';
import type { MercuriusRequest, ReplyContext } from './mercuriusRequest.js';

/** Reads documents within the guard's bounds, before Mercurius does. */
export class MercuriusDocuments {
  readonly #parts: Pick<AdapterParts, 'guard' | 'requests'>;
  readonly #documents = new DocumentCache();

  constructor(parts: Pick<AdapterParts, 'guard' | 'requests'>) {
    this.#parts = parts;
  }

  /** Reads the document before Mercurius does, because Mercurius also accepts syntax trees, of any size. */
  read(schema: GraphQLSchema, source: string, context: ReplyContext): MaybePromise<void> {
    const document = this.#documents.get(source) ?? this.#parse(source);
    const asked = this.#parts.requests.ofContext(context);
    if (asked === null) return;
    asked.text = source;
    asked.document = document;
    asked.readFor = schema;
    const operation = getOperationAST(document, asked.operationName);
    if (operation == null) throw unknownOperation();
    asked.operation = operation;
    return this.#checkVariables(schema, asked, operation);
  }

  /** @throws GraphQLError */
  #parse(source: string): DocumentNode {
    const tooLong = this.#parts.guard.refuseLines(source);
    if (tooLong !== null) throw tooLong;
    try {
      const document = parse(source, this.#parts.guard.bounds.parseOptions);
      this.#documents.set(source, document);
      return document;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw Object.assign(error, { extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } } });
    }
  }

  /** Mercurius would report up to 50 errors of variables, and print the whole variable in each. */
  #checkVariables(
    schema: GraphQLSchema,
    asked: MercuriusRequest,
    operation: OperationDefinitionNode,
  ): MaybePromise<void> {
    const { document } = asked;
    if (document === undefined) return;
    const variables = printable(schema, operation, asked.variables);
    const errors = checkVariables(schema, operation, variables);
    if (errors === null) return;
    const { validationRules, validationOptions } = this.#parts.guard.bounds;
    const faults = validate(schema, document, [...specifiedRules, ...validationRules], validationOptions);
    if (faults.length > 0) throw new RequestErrors(faults.map((fault) => withCode(fault, 'GRAPHQL_VALIDATION_FAILED')));
    const refusal = asked.guarded.authorize(
      { schema, document, operation, variables, source: asked.text },
      asked.context,
    );
    return whenDone(refusal, (found) => {
      throw found ?? new RequestErrors(errors.map((error) => withCode(error, 'BAD_USER_INPUT')));
    });
  }

  /**
   * Returns the hook that bounds Mercurius's two caches of documents, which have a number of entries of any size. It sees
   * each document before it is cached. Caches are cleared together, with the compiled queries.
   *
   * @param clear empties the caches
   */
  weighing(clear: () => void) {
    let bytes = 0;
    return async (_schema: GraphQLSchema, document: DocumentNode, context: ReplyContext): Promise<void> => {
      if (!(document.loc instanceof Location)) throw badRequest('Send the document as text, not as a syntax tree.');
      const asked = this.#parts.requests.ofContext(context);
      if (asked !== null) asked.guarded.wasParsed = true;
      bytes += retainedBytes(document);
      if (bytes <= MAX_CACHED_DOCUMENT_BYTES) return;
      bytes = retainedBytes(document);
      clear();
    };
  }
}
