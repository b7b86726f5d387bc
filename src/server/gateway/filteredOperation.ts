import { print, visit, type DirectiveNode, type DocumentNode, type GraphQLFormattedError } from 'graphql';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import type { Denied } from '../../core/guard/denied/denied.js';
import { parseExact, writeExact } from './exactJson.js';
import { badGateway } from './upstream.js';

/** The text of each document without denied fields, because the same one is used for many callers. */
const texts = new WeakMap<DocumentNode, string>();

/** An operation without the fields that its caller may not use, which is forwarded in place of it. */
export class FilteredOperation {
  readonly #denied: Denied;
  readonly #limits: AnswerLimits;

  constructor(denied: Denied, limits: AnswerLimits) {
    this.#denied = denied;
    this.#limits = limits;
  }

  /** The text of the operation for the upstream. */
  get source(): string {
    const { document } = this.#denied;
    let text = texts.get(document);
    if (text === undefined) texts.set(document, (text = print(inOnePart(document))));
    return text;
  }

  /**
   * Adds the denied fields to a result of the upstream: null, with an error.
   *
   * @param result JSON
   * @throws Refusal if the result is not valid, or would have too many fields
   */
  complete(result: string): string {
    const { data, errors = [], ...rest } = resultIn(result);
    // Their positions refer to another text.
    const theirs = errors.map((error) => withoutLocations(error));
    if (data == null) return writeExact({ ...(theirs.length > 0 && { errors: theirs }), data, ...rest });
    const { data: completed, errors: own } = this.#denied.complete(data, this.#limits);
    const all = [...theirs, ...own];
    return writeExact({ ...(all.length > 0 && { errors: all }), data: completed, ...rest });
  }
}

function withoutLocations(error: GraphQLFormattedError): GraphQLFormattedError {
  const copy: { locations?: unknown } = { ...error };
  delete copy.locations;
  return copy as GraphQLFormattedError;
}

interface Result {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** Removes directives that would split the result: parts of it can't be completed. */
function inOnePart(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: ({ name }: DirectiveNode) => (name.value === 'stream' || name.value === 'defer' ? null : undefined),
  });
}

function resultIn(text: string): Result {
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    throw badGateway(INVALID, error);
  }
  if (!isRecord(value)) throw badGateway(INVALID);
  const { data = null, errors = [] } = value;
  if ((data !== null && !isRecord(data)) || !Array.isArray(errors) || !errors.every(isRecord))
    throw badGateway(INVALID);
  return value;
}

const INVALID = 'The API behind the gateway sent a response that is not a result of GraphQL.';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
