import {
  executeSync,
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
  TokenKind,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type Token,
} from 'graphql';
import { withHttp } from '../../core/errors/http.js';
import { publicForm } from '../../core/errors/publicErrors.js';
import { Refusal } from '../../core/errors/refusal.js';
import { fragmentsOf } from '../../core/guard/fragments.js';
import { readsSchema } from '../../core/guard/introspectionPart.js';
import { printable } from '../../core/guard/printable.js';
import type { OnDenied } from '../../core/guard/authorize.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import type { GuardedRequest, Operation } from '../../core/guard/request/guardedRequest.js';
import type { PendingCost } from '../../core/guard/request/pendingCost.js';
import type { Reply } from '../../core/guard/request/reply.js';
import { RequestDocuments } from '../../core/guard/request/requestDocuments.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { OperationRequest } from '../../core/guard/review.js';
import type { RequestContext } from '../http/requestContext.js';
import type { Answer } from '../http/sendAnswer.js';
import type { Asked } from './asked.js';
import { FilteredOperation } from './filteredOperation.js';

/** An operation that may be forwarded. */
export interface Admitted {
  readonly kind: 'admitted';
  /** The schema against which it was checked. */
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The header fields of the response that report the limits. */
  readonly headers: ReadonlyMap<string, string>;
  /** The operation to forward in its place, because its caller may not use some of its fields; null if it may use all. */
  readonly filtered: FilteredOperation | null;
  /** To settle once, when the response is complete or known to be lost; null if the schema has no costs. */
  readonly cost: PendingCost | null;
}

interface JudgeOptions {
  /** The response to an operation with fields that its caller may not use. */
  readonly onDenied: OnDenied;
  readonly answer: AnswerLimits;
}

/** The response to an operation that is not forwarded: it was refused, or it only reads the schema. */
export interface Answered {
  readonly kind: 'answered';
  readonly answer: Answer;
  /** The body of the response. JSON. */
  readonly body: string;
}

/** The result of judging an operation. */
export type Judged = Admitted | Answered;

/** How an operation arrived. */
interface Arrival {
  /** Whether subscriptions are allowed. */
  readonly streams?: boolean;
  /** Whether only queries are allowed, because it arrived by GET. */
  readonly isGet?: boolean;
}

/**
 * Judges operations for a schema that isn't executed here, with the same steps and the same errors as the server's own
 * operations. Each document is parsed and validated once.
 */
export class OperationJudge {
  readonly #schema: GraphQLSchema;
  readonly #guard: RequestGuard;
  readonly #documents: RequestDocuments;
  /** Valid documents whose comments were checked. */
  readonly #checked = new WeakSet<DocumentNode>();

  readonly #options: JudgeOptions;

  /** @param schema guarded @throws GuardError for a schema that is not guarded */
  constructor(schema: GraphQLSchema, guard: RequestGuard, options: JudgeOptions) {
    this.#options = options;
    this.#schema = schema;
    this.#guard = guard;
    guard.prepare(schema);
    this.#documents = new RequestDocuments(guard, schema);
  }

  /**
   * Decides whether an operation may be forwarded, and counts it. Never rejects. Not a promise if the limits are counted in this
   * process.
   */
  judge(asked: Asked, context: RequestContext, arrival: Arrival = {}): Judged | Promise<Judged> {
    const judging: Judging = { guarded: this.#guard.begin(), reply: new JudgedReply(this.#schema, asked, context) };
    try {
      const operation = this.#operationIn(asked, judging, arrival);
      const { onDenied } = this.#options;
      const abilities = { canFilter: onDenied === 'filter', onDenied };
      const refusal = judging.guarded.authorize(operation, context, abilities);
      return refusal instanceof Promise
        ? refusal.then((late) => this.#settle(judging, operation, late))
        : this.#settle(judging, operation, refusal);
    } catch (error) {
      return this.#fail(judging, error);
    }
  }

  /** Continues when the operation was authorized. @param refusal null if it may run */
  #settle(judging: Judging, operation: Operation, refusal: Refusal | null): Judged | Promise<Judged> {
    if (refusal !== null) return this.#fail(judging, refusal);
    const { guarded, reply } = judging;
    try {
      const data = this.#readSchema(operation, judging);
      if (data === null) {
        const filtered = guarded.denied && new FilteredOperation(guarded.denied, this.#options.answer);
        const { schema, document, operation: own } = operation;
        const { headers, context } = reply;
        return finished(judging, (): Admitted => {
          const cost = guarded.costOf(context.principal);
          return { kind: 'admitted', schema, document, operation: own, headers, filtered, cost };
        });
      }
      reply.result = { data };
    } catch (error) {
      return this.#fail(judging, error);
    }
    return finished(judging, () => reply.answered);
  }

  #fail(judging: Judging, error: unknown): Answered | Promise<Answered> {
    judging.reply.fail(errorsIn(error), judging.guarded);
    return finished(judging, () => judging.reply.answered);
  }

  /** Returns an operation that was checked against another schema, as one of this schema; null if it is not valid here. */
  read({ source, operation, variables }: Pick<OperationRequest, 'source' | 'operation' | 'variables'>) {
    const { document, errors } = this.#documents.read(source);
    if (errors !== undefined) return null;
    const own = getOperationAST(document, operation.name?.value);
    if (own == null) return null;
    return { schema: this.#schema, source, document, operation: own, variables };
  }

  /** Responds to a request without an operation, and counts it. Never rejects. */
  refuse(error: unknown, context: RequestContext): Answered | Promise<Answered> {
    const reply = new JudgedReply(this.#schema, { query: '', operationName: null, variables: {} }, context);
    return this.#fail({ guarded: this.#guard.begin(), reply }, error);
  }

  /** @throws GraphQLError or a list of them if there is no such operation, or its kind is not allowed at this endpoint */
  #operationIn({ query: source, operationName, variables }: Asked, judging: Judging, arrival: Arrival): Operation {
    const schema = this.#schema;
    const { reply, guarded } = judging;
    const document = this.#documentOf(source, reply, guarded);
    const operation = (reply.operation = operationOf(document, operationName));
    checkKind(operation, reply.context, arrival);
    return { schema, source, document, operation, variables: printable(schema, operation, variables) };
  }

  /**
   * Returns the result of an allowed operation that only reads the schema; null: forward it.
   *
   * @throws GraphQLError or a list of them if the operation is refused
   */
  #readSchema(
    { schema, document, operation, variables }: Operation,
    { guarded, reply }: Judging,
  ): Record<string, unknown> | null {
    const run = guarded.denied ?? { document, operation };
    const allowed = { schema, variables, document: run.document, operation: run.operation };
    const errors = guarded.variableErrors(allowed, reply.context);
    if (errors !== null) throw new Faults(errors.map((error) => withStatus(error, 'BAD_USER_INPUT')));
    const compiled = this.#guard.authorizer.prepare(schema).compile(allowed.document, allowed.operation, variables);
    if (!compiled.introspects) return null;
    // The upstream would return its whole schema, even to callers who may read only a part of it.
    const data = guarded.readSchema(allowed, reply.context);
    if (data !== null) return data;
    if (!readsOnlySchema(allowed.document, allowed.operation))
      throw withHttp(new Refusal(READS_MORE, { code: 'BAD_REQUEST' }));
    guarded.wasExecuted = true;
    const operationName = operation.name?.value;
    const result = executeSync({ schema, document: allowed.document, variableValues: variables, operationName });
    if (result.errors !== undefined) throw new Faults(result.errors);
    return result.data ?? {};
  }

  #documentOf(source: string, reply: JudgedReply, guarded: GuardedRequest): DocumentNode {
    const { document, errors, wasParsed } = this.#documents.read(source);
    guarded.wasParsed = wasParsed;
    if (document !== undefined) reply.document = document;
    if (errors !== undefined) throw new Faults(errors.map((error) => withStatus(error, error.extensions.code)));
    if (!this.#checked.has(document)) {
      checkComments(document);
      this.#checked.add(document);
    }
    return document;
  }
}

const READS_MORE =
  'The gateway returns the schema, and the API behind it returns other fields. Send __schema and __type in a separate request.';

/** An operation that is being checked. */
interface Judging {
  readonly guarded: GuardedRequest;
  readonly reply: JudgedReply;
}

/** Completes the response, and returns what to do. */
function finished<Result extends Judged>({ guarded, reply }: Judging, result: () => Result): Result | Promise<Result> {
  const done = guarded.finish(reply);
  return done instanceof Promise ? done.then(result) : result();
}

interface Head {
  readonly status?: number;
  readonly headers?: Iterable<readonly [string, string]>;
}

/** The response to one operation. */
class JudgedReply implements Reply {
  readonly schema: GraphQLSchema;
  readonly context: RequestContext;
  readonly written: readonly string[];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers = new Map<string, string>();
  document: DocumentNode | undefined;
  operation: OperationDefinitionNode | undefined;
  errors: readonly GraphQLError[] | undefined;
  result: { data?: Record<string, unknown> | null; errors?: readonly GraphQLFormattedError[] } | null = null;
  status: number | undefined;

  constructor(
    schema: GraphQLSchema,
    { query, operationName, variables }: Omit<Asked, 'variablesText'>,
    context: RequestContext,
  ) {
    this.schema = schema;
    this.context = context;
    this.written = [query, operationName ?? ''];
    this.variables = variables;
  }

  fail(errors: readonly GraphQLError[], guarded: GuardedRequest): void {
    this.errors = errors;
    guarded.tell(errors, this.context);
    this.result = { errors: errors.map((error) => this.#formatted(error)) };
    this.status ??= 500;
  }

  #formatted(error: GraphQLError): GraphQLFormattedError {
    const { http, ...extensions } = error.extensions as unknown as { http?: Head };
    if (http?.status !== undefined) this.status = http.status;
    const headers: Head['headers'] = http?.headers;
    for (const [name, value] of headers ?? []) this.headers.set(name, value);
    return publicForm({ ...error.toJSON(), extensions }, error);
  }

  get isForwarded(): boolean {
    return this.result === null;
  }

  get answered(): Answered {
    this.headers.set('content-type', 'application/json; charset=utf-8');
    const { errors, data } = this.result ?? {};
    const body = `${JSON.stringify({ errors, data })}\n`;
    return { kind: 'answered', answer: { status: this.status ?? 200, headers: this.headers, body }, body };
  }
}

/** Several errors of one document. */
class Faults extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('The document is invalid.');
    this.errors = errors;
  }
}

function errorsIn(error: unknown): readonly GraphQLError[] {
  if (error instanceof Faults) return error.errors;
  if (error instanceof GraphQLError) return [error];
  return [
    new GraphQLError('Internal error', { originalError: error instanceof Error ? error : new Error(String(error)) }),
  ];
}

function withStatus(error: GraphQLError, code: unknown): GraphQLError {
  const { message, nodes, source, positions } = error;
  const extensions = { ...error.extensions, code, http: { status: 400 } };
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions,
  });
}

function operationOf(document: DocumentNode, operationName: string | null): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName);
  if (operation != null) return operation;
  const message =
    operationName === null
      ? 'Must provide operation name if query contains multiple operations.'
      : `Unknown operation named "${operationName}".`;
  throw withStatus(new GraphQLError(message), 'OPERATION_RESOLUTION_FAILURE');
}

/** @throws Refusal for a kind of operation that is not allowed at this endpoint */
function checkKind(
  { operation }: OperationDefinitionNode,
  { only }: RequestContext,
  { streams = false, isGet = false }: Arrival,
): void {
  const refuse = (message: string): Refusal => withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
  if (operation === OperationTypeNode.SUBSCRIPTION && !streams) throw refuse(NO_STREAM);
  if (operation === OperationTypeNode.MUTATION && isGet) {
    const refusal = refuse('Mutations are not allowed by GET. Send this one by POST.');
    Object.assign(refusal.extensions, { http: { status: 405, headers: new Map([['allow', 'POST']]) } });
    throw refusal;
  }
  if (only !== undefined && operation.valueOf() !== only) throw refuse(OTHER_KIND[only]);
}

const NO_STREAM = 'Subscriptions are streams. Send this one with the header "Accept: text/event-stream".';

const OTHER_KIND = {
  query: 'The operation is a mutation, but run_query only runs queries. Use run_mutation if it is available.',
  mutation: 'The operation is a query, but run_mutation only runs mutations. Use run_query.',
} as const;

/**
 * Refuses comments whose end depends on the lexer. GraphQL's ends of lines are LF, CR and CR LF. Where another lexer knows more
 * of them, it would read the rest of a comment as fields. Where a line does not end with CR, it would skip the rest of the text.
 */
function checkComments({ loc }: DocumentNode): void {
  if (loc === undefined) return;
  const { body } = loc.source;
  for (let token: Token | null = loc.startToken; token !== null; token = token.next) {
    if (token.kind !== TokenKind.COMMENT) continue;
    const endsWithCr = body[token.end] === '\r' && body[token.end + 1] !== '\n';
    if (!endsWithCr && !OTHER_LINE_ENDS.test(token.value)) continue;
    throw withStatus(
      new GraphQLError('A comment contains or ends with a line separator other than LF or CR LF. Remove the comment.'),
      'GRAPHQL_PARSE_FAILED',
    );
  }
}

// oxlint-disable-next-line no-control-regex
const OTHER_LINE_ENDS = /[\u0000\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/;

/** Returns whether each field at the top level reads the schema, also through fragments. */
function readsOnlySchema(document: DocumentNode, { operation, selectionSet }: OperationDefinitionNode): boolean {
  if (operation !== OperationTypeNode.QUERY) return false;
  const fragments = fragmentsOf(document);
  const seen = new Set([selectionSet]);
  // Iterating a set also visits elements added during the iteration.
  for (const { selections } of seen) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        if (!readsSchema(selection) && selection.name.value !== '__typename') return false;
        continue;
      }
      const within =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? fragments.get(selection.name.value)?.selectionSet
          : selection.selectionSet;
      if (within !== undefined) seen.add(within);
    }
  }
  return true;
}
