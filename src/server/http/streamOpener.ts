import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { locateCredential } from '../../core/auth/locate.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { Authorizer } from '../../core/guard/authorize.js';
import type { CostMode } from '../../core/guard/cost/costMode.js';
import type { Introspection } from '../../core/guard/introspection.js';
import type { Assembly } from '../../assembly/assembly.js';
import { statusBeforeData } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import { GuardedSubscriptions, type Failed, type Opened } from '../../core/streams/guardedSubscriptions.js';
import type { OpenStreams, Place } from '../../core/streams/openStreams.js';
import { Stream } from '../../core/streams/stream.js';
import { publicCode } from '../../core/errors/publicErrors.js';
import { Message } from '../streams/message.js';
import { EventStream } from './eventStream.js';
import type { Admitted, RequestContext } from './requestContext.js';
import { streamCredential } from './streamCredential.js';
import type { Verdicts } from '../../management/verdicts.js';

/** A request whose subscription was admitted. */
interface Opening {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: RequestContext;
  readonly admitted: Admitted;
  readonly place: Place;
}

interface StreamOpenerOptions {
  /** Guarded. */
  readonly schema: GraphQLSchema;
  readonly latchkey: Pick<Assembly, 'standing' | 'limits'>;
  readonly introspection: Introspection;
  readonly cost: CostMode;
  readonly streams: OpenStreams;
  readonly verdicts: Verdicts;
  /** The limits for requests. They apply to each event, too. */
  readonly answer: AnswerLimits;
  readonly log: (error: unknown, context: RequestContext) => void;
}

/**
 * Opens streams of admitted subscriptions. Identical subscriptions of one credential share a source stream and the
 * execution of its events.
 */
export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  readonly #subscriptions: GuardedSubscriptions<Message>;
  readonly #shared = new Map<string, Promise<Opened<Message> | Failed>>();

  /** @throws GuardError */
  constructor(options: StreamOpenerOptions) {
    this.#options = options;
    const { introspection, cost, answer, verdicts: log, latchkey, streams } = options;
    const { limits } = latchkey;
    const authorizer = new Authorizer({ limits, introspection, cost, answer, log });
    authorizer.prepare(options.schema);
    this.#subscriptions = new GuardedSubscriptions({
      ...{ authorizer, limits, streams, log, answer },
      messageOf: (result) => Message.next(result),
      // Each event has the context of the request, see #begin.
      report: (error, context: LatchkeyContext) => options.log(error, context as RequestContext),
    });
  }

  /**
   * Opens a stream.
   *
   * @returns the body for Fastify to send if the source stream does not open; undefined if the stream has started
   * @throws Refusal UNAVAILABLE
   */
  async open(opened: Opening): Promise<string | undefined> {
    const { request, reply, context, place } = opened;
    const source = streamCredential(request);
    const credential = locateCredential(source);
    const { principal } = context;
    if (credential === null || principal.kind === 'anonymous') throw unauthenticated('missing');
    // Frees the rest of the body, which would otherwise stay in memory while the stream is open.
    request.body = undefined;
    let shared = await this.#find(credential, opened);
    // Its last reader may have left within this turn.
    while ('check' in shared && shared.subscription.hasEnded) shared = await this.#find(credential, opened);
    if ('errors' in shared) return this.#refused(shared.errors, reply, context);
    const { subscription, check } = shared;
    if (reply.raw.destroyed) {
      subscription.endIfUnused();
      return undefined;
    }
    context.outcome.begunAfter = reply.elapsedTime;
    const { credentials, bytes } = this.#options.streams;
    const watched = credentials.watch(`${credential} ${source.ip ?? ''}`, principal, () =>
      this.#options.latchkey.standing(source),
    );
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    const stream = new Stream({
      sink: new EventStream(reply.hijack().raw, { headers, workspaceId: principal.workspaceId, waiting: bytes }),
      credential: watched.credential,
      check,
      tell: (error) => ({ errors: [this.#subscriptions.told(error, context)] }),
    });
    subscription.join(stream);
    stream.onEnd(watched.release);
    place.keep(stream);
    reply.raw.once('close', () => stream.end());
    void watched.credential.settle();
    return undefined;
  }

  /** Returns the open subscription that is identical to this one, or a new one. */
  async #find(credential: string, { context, admitted }: Opening): Promise<Opened<Message> | Failed> {
    const name = nameOf(credential, admitted);
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const opening = this.#begin(context, admitted, () => this.#shared.delete(name));
    this.#shared.set(name, opening);
    try {
      const shared = await opening;
      if ('errors' in shared) this.#shared.delete(name);
      return shared;
    } catch (error) {
      this.#shared.delete(name);
      throw error;
    }
  }

  #begin(context: RequestContext, admitted: Admitted, forget: () => void): Promise<Opened<Message> | Failed> {
    const { schema } = this.#options;
    const { requestId, outcome } = context;
    return this.#subscriptions.open(
      {
        operation: { ...admitted, schema },
        context,
        contextFor: (principal): RequestContext => ({ principal, requestId, outcome, opening: null }),
      },
      forget,
    );
  }

  #refused(errors: readonly GraphQLError[], reply: FastifyReply, context: RequestContext): string {
    const told = errors.map((error) => this.#subscriptions.told(error, context));
    const [refusal] = errors.map(({ originalError }) => originalError).filter((cause) => cause instanceof Refusal);
    const code = errors.map(publicCode).find((found) => found !== null);
    context.outcome.word = String(code ?? 'error');
    const status = refusal === undefined ? (code === undefined ? 500 : 400) : statusBeforeData(refusal);
    reply.code(status).type('application/json; charset=utf-8');
    return JSON.stringify({ errors: told });
  }
}

/**
 * Returns a key that is equal for identical subscriptions of one credential. A hash, because documents and variables
 * are long.
 */
function nameOf(credential: string, { source, operation, variables }: Admitted): string {
  const parts = [credential, source, operation.name?.value ?? null, variables];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
