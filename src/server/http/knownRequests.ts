import type { FastifyBaseLogger } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chosenType } from '../../adapters/apollo/responseType.js';
import { asksForCost, COST_FIELD } from '../../core/auth/costField.js';
import type { Principal } from '../../core/auth/principal.js';
import { INTERNAL_ERROR } from '../../core/errors/publicErrors.js';
import type { KnownOperation, KnownOperations } from '../../core/guard/known/knownOperations.js';
import type { CompleteAnswer, OperationRunner } from '../../core/guard/known/operationRunner.js';
import type { Outcome } from '../../core/guard/request/outcome.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import type { Caller } from '../net/trustedProxies.js';
import type { Moments } from './changeMoments.js';
import type { Connections } from './connections.js';
import type { DirectAnswers, DirectRequest } from './directAnswers.js';
import { GRAPHQL } from './faults.js';
import type { RequestContext } from './requestContext.js';

interface KnownRequestsOptions {
  readonly known: KnownOperations;
  readonly runner: OperationRunner;
  /** Where these operations are served. */
  readonly paths: readonly string[];
  /** Parses a body. @throws SyntaxError */
  readonly parse: (text: string) => unknown;
  readonly answers: DirectAnswers;
  readonly moments: Moments;
  readonly connections: Pick<Connections, 'isLeaving'>;
  readonly logger: FastifyBaseLogger;
}

/** A request of a key, authenticated in this turn of the event loop. */
interface AdmittedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: Principal;
  readonly caller: Caller;
  /** When it was authenticated, by {@link Moments}. */
  readonly at: number;
  /** When its header had arrived, by performance.now(). */
  readonly began: number;
}

/** The types of a body that need no negotiation. */
const CONTENT_TYPES: ReadonlySet<string | undefined> = new Set(['application/json', 'application/json; charset=utf-8']);

const FAILED = {
  status: 500,
  fields: ['content-type', 'application/json'],
  body: GRAPHQL.body(INTERNAL_ERROR.message, INTERNAL_ERROR.extensions),
};

/**
 * Answers requests for known operations without the framework, whose hooks, request and reply take longer than the operation.
 * Everything else is passed on to it, unread.
 */
export class KnownRequests {
  readonly #options: KnownRequestsOptions;
  readonly #paths: ReadonlySet<string>;

  constructor(options: KnownRequestsOptions) {
    this.#options = options;
    this.#paths = new Set(options.paths);
  }

  /** @param passOn passes the request on to the framework */
  handle(admitted: AdmittedRequest, passOn: () => void): void {
    if (!this.#concerns(admitted.request)) {
      passOn();
      return;
    }
    // Most bodies arrive with the header. In this case, Node has read them before it calls this.
    process.nextTick(() => {
      const known = this.#find(admitted);
      if (known === null) passOn();
      else this.#run(admitted, known);
    });
  }

  #concerns({ url = '', headers }: IncomingMessage): boolean {
    return (
      this.#paths.has(url) &&
      CONTENT_TYPES.has(headers['content-type']) &&
      chosenType(headers.accept) !== undefined &&
      headers['content-encoding'] === undefined
    );
  }

  /** Returns null, and leaves the body unread, if the request is for the framework. */
  #find({ request, at }: AdmittedRequest): KnownOperation | null {
    const { moments, connections } = this.#options;
    // While the server is stopping, hooks may have to close the connection. A key may have been revoked in between.
    if (connections.isLeaving || moments.now !== at || !hasArrived(request)) return null;
    const body = request.read() as Buffer;
    const found = this.#knownIn(body);
    if (found === null) request.unshift(body);
    // Lets the request end, so that Node forgets it.
    else request.resume();
    return found;
  }

  #knownIn(body: Buffer): KnownOperation | null {
    const { parse, known } = this.#options;
    try {
      const text = body.toString();
      const value = parse(text);
      noteAltered(text, value);
      return known.find(value);
    } catch {
      // The framework finds the same fault, and responds. Here, it would end the process.
      return null;
    }
  }

  #run({ request, response, principal, caller, began }: AdmittedRequest, known: KnownOperation): void {
    const requestId = randomUUID();
    const outcome: Outcome = { word: 'ok', operation: null, operationName: null, begunAfter: null, isJudged: false };
    const context: RequestContext = {
      principal,
      requestId,
      outcome,
      origin: { address: caller.address, userAgent: request.headers['user-agent'] ?? null },
      counted: false,
      reportsCost: asksForCost(request.headers[COST_FIELD]),
      opening: null,
    };
    const direct: DirectRequest = { request, response, requestId, principal, caller, outcome, began };
    try {
      const answer = this.#options.runner.answer(known, context);
      if (answer instanceof Promise) {
        void answer.then((late) => this.#send(direct, late)).catch((error: unknown) => this.#fail(direct, error));
      } else this.#send(direct, answer);
    } catch (error) {
      this.#fail(direct, error);
    }
  }

  #send(direct: DirectRequest, { status, headers, body }: CompleteAnswer): void {
    const type = chosenType(direct.request.headers.accept);
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, (name === 'content-type' ? type : undefined) ?? value);
    this.#options.answers.send(direct, { status, fields, body });
  }

  #fail(direct: DirectRequest, err: unknown): void {
    const { answers, logger } = this.#options;
    const { response, requestId } = direct;
    logger.error({ err, requestId }, 'request failed');
    if (response.headersSent) response.destroy();
    else answers.send({ ...direct, outcome: { word: 'error', operation: null } }, FAILED);
  }
}

/** Returns whether the whole body has arrived. `complete` is not set yet when Node has just read it. */
function hasArrived({ headers, readableLength, destroyed }: IncomingMessage): boolean {
  return readableLength > 0 && readableLength === Number(headers['content-length']) && !destroyed;
}
