import type { FastifyReply } from 'fastify';
import { getOperationAST, OperationTypeNode, type DocumentNode, type GraphQLSchema } from 'graphql';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Operation } from '../../core/guard/request/guardedRequest.js';
import { whenDone } from '../../core/util/whenDone.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import type { AdapterParts } from './adapterParts.js';
import type { MaybePromise } from './fastifyHooks.js';
import { RequestErrors, unknownOperation, withCode } from './mercuriusErrors.js';
import { MercuriusRequest, type ReplyContext } from './mercuriusRequest.js';

/** Decides on operations before Mercurius executes them. */
export class Authorization {
  readonly #parts: AdapterParts;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
  }

  /** Decides on the operation of a document that Mercurius has found valid. */
  authorize(
    schema: GraphQLSchema,
    document: DocumentNode,
    context: ReplyContext,
    given: Readonly<Record<string, unknown>> | null | undefined,
  ): MaybePromise<Part | undefined> {
    const { guard, logger, options, requests } = this.#parts;
    const own = requests.ofContext(context);
    // An operation of another route has its principal in the context.
    const asked = own ?? new MercuriusRequest(guard.begin(logger), schema);
    // Of the document that Mercurius executes, which is not the one that was read before.
    const operation = getOperationAST(document, asked.operationName);
    if (operation == null) throw unknownOperation();
    if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw notByHttp(Boolean(options.subscription));
    const variables = given ?? {};
    const text = document.loc?.source.body ?? '';
    asked.document = document;
    asked.operation = operation;
    asked.variables = variables;
    noteNumbers(context.reply, variables);
    const source = asked.text === '' ? text : asked.text;
    return this.decide(asked, { schema, document, operation, variables, source }, own === null ? context : null);
  }

  /** @param elsewhere the context of an operation of another route, whose response is not completed here; null if it is our own */
  decide(
    asked: MercuriusRequest,
    operation: Operation,
    elsewhere: ReplyContext | null = null,
  ): MaybePromise<Part | undefined> {
    const from = elsewhere ?? asked.context;
    return whenDone(asked.guarded.authorize(operation, from, { canFilter: elsewhere === null }), (refusal) => {
      if (refusal !== null) throw refusal;
      return prepared(asked, operation, from);
    });
  }
}

/** The document that Mercurius executes in place of a cached one. */
interface Part {
  readonly document: DocumentNode;
}

/**
 * Prepares the execution of an allowed operation.
 *
 * @returns the document to execute in place of the cached one, which Mercurius does not compile; undefined for the cached one
 * @throws RequestErrors
 */
function prepared(asked: MercuriusRequest, request: Omit<Operation, 'source'>, from: object): Part | undefined {
  const { guarded } = asked;
  const part = guarded.executable(request);
  const errors = guarded.variableErrors(part, from);
  if (errors !== null) throw new RequestErrors(errors.map((error) => withCode(error, 'BAD_USER_INPUT')));
  guarded.wasExecuted = true;
  if (guarded.denied === null) return undefined;
  asked.document = part.document;
  asked.operation = part.operation;
  return { document: part.document };
}

/** Records the numbers that Mercurius altered when it parsed the variables of a GET request. */
function noteNumbers(reply: FastifyReply | undefined, variables: object): void {
  if (reply?.request.method !== 'GET') return;
  const { variables: text } = reply.request.query as { variables?: unknown };
  if (typeof text === 'string') noteAltered(text, variables);
}

function notByHttp(hasSockets: boolean): Refusal {
  const message = hasSockets
    ? 'Subscriptions require a WebSocket. Open this one with the protocol graphql-transport-ws at the same address.'
    : 'This server has no subscriptions. Send queries and mutations.';
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}
