import type { FastifyBaseLogger } from 'fastify';
import {
  GraphQLError,
  parse,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
} from 'graphql';
import { makeServer, type Context, type OperationResult, type ServerOptions, type SubscribePayload } from 'graphql-ws';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { BAD_REQUEST } from '../../adapters/graphqlWs/closeCodes.js';
import type { Extra, Socket } from '../../adapters/graphqlWs/socket.js';
import { Connection } from '../../adapters/graphqlWs/wsConnection.js';
import type { Assembly } from '../../assembly/assembly.js';
import type { ForeignSource } from '../../core/auth/headerFields.js';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { ANONYMOUS, type AuthenticatedPrincipal, type LatchkeyContext } from '../../core/auth/principal.js';
import { INTERNAL_ERROR } from '../../core/errors/publicErrors.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { formattedError } from '../../core/guard/request/plainReply.js';
import type { Observer } from '../../core/observer/observer.js';
import type { OpenStream, OpenStreams } from '../../core/streams/openStreams.js';
import { watchSource } from '../../core/streams/streamGuard.js';
import type { RequestContext } from '../http/requestContext.js';
import { askedInBody, bodyOf, forwardedAs, type Asked } from './asked.js';
import { settleBy } from './forwardedCost.js';
import { ForwardedResults, UpstreamErrors } from './forwardedResults.js';
import type { Gateway } from './gateway.js';
import { memberOf } from './jsonMembers.js';
import type { Admitted, Answered, Judged } from './operationJudge.js';
import { refusalOfFault, timedOut } from './upstream.js';
import { UpstreamSocket } from './upstreamSocket.js';
import { WrittenPayloads, WrittenResult } from './writtenPayloads.js';

interface SocketForwarderOptions {
  readonly gateway: Gateway;
  readonly latchkey: Assembly;
  readonly streams: OpenStreams;
  readonly observer: Observer;
  readonly logger: FastifyBaseLogger;
  /** Called when the key of a connection was verified. */
  readonly verified: (socket: Socket) => void;
  /** The maximum size of a result, in bytes. */
  readonly maxBytes: number;
}

/** The connection of a caller. */
interface Caller {
  readonly connection: Connection;
  /** The connection to the upstream, and the holder of its token; null if there was no operation. */
  upstream: { readonly socket: UpstreamSocket; readonly holder: string } | null;
  /** All connections to the upstream: a change of the key's rights opens another one. */
  readonly upstreams: Set<UpstreamSocket>;
}

/** An operation that may be forwarded. */
interface Forwarding {
  readonly caller: Caller;
  readonly asked: Asked;
  readonly admitted: Admitted;
  readonly principal: AuthenticatedPrincipal;
  readonly context: LatchkeyContext;
}

type Opened = Extra & {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly address: string;
  readonly payloads: WrittenPayloads;
  /** The message that is being read, as it was sent. */
  message: string;
};

/** A close code of RFC 6455. */
const GOING_AWAY = 1001;

/** How long a caller may take to confirm the close of its connection when the server stops, in ms. */
const CLOSE_TIME = 2_000;

/** How often a caller must answer a ping, in ms. */
const PING_EVERY = 12_000;

/** Running operations of one connection. */
const MAX_OPERATIONS = 50;

/** The longest ID of an operation, in characters. Clients use UUIDs. */
const MAX_ID = 128;

/** How long a connection may take to send connection_init, in ms. */
const INIT_TIME = 3_000;

/** Stands for each operation. graphql-ws only reads its type, to decide what to call. */
const ANY_OPERATION = parse('{ __typename }', { noLocation: true });

/** Replaces errors in any other form, and errors of a connection that is closing. */
const CLOSED = new GraphQLError('The connection is closing.');

/**
 * Speaks graphql-transport-ws with callers. Each operation is checked and counted like a request over HTTP, and forwarded over a
 * WebSocket to the upstream.
 */
export class SocketForwarder {
  readonly #options: SocketForwarderOptions;
  readonly #server: ReturnType<typeof makeServer>;
  readonly #callers = new WeakMap<object, Caller>();
  /** What to do for an operation, by the arguments with which graphql-ws executes it. */
  readonly #runs = new WeakMap<object, () => unknown>();
  /** The value is whether it is a subscription. */
  readonly #running = new Map<ForwardedResults, boolean>();
  /** All open connections of callers. The value is null until their key was verified. */
  readonly #open = new Map<WebSocket, Connection | null>();
  #isStopping = false;
  /** The errors for the caller, by the list that graphql-ws received. */
  readonly #errors = new WeakMap<object, readonly GraphQLFormattedError[]>();

  constructor(options: SocketForwarderOptions) {
    this.#options = options;
    this.#server = makeServer(this.#serverOptions());
  }

  /**
   * Ends subscriptions with an error, and each connection as soon as it has no running query or mutation, because the server is
   * stopping. No operation begins any more.
   */
  stop(): void {
    this.#isStopping = true;
    for (const [results, isSubscription] of [...this.#running]) {
      if (isSubscription) results.end(unavailable(STOPPING, 1));
    }
    // After the last messages of the subscriptions.
    setImmediate(() => {
      for (const [socket, connection] of this.#open) this.#leave(socket, connection);
    });
  }

  /** Ends all operations with an error, and all connections. */
  cut(): void {
    for (const results of [...this.#running.keys()]) results.end(unavailable(STOPPING, 1));
    setImmediate(() => {
      for (const socket of this.#open.keys()) leave(socket);
    });
  }

  /** @param address of the caller, who may be behind a proxy */
  open(socket: WebSocket, request: IncomingMessage, address: string): void {
    const payloads = new WrittenPayloads();
    const extra: Opened = { socket, request, address, payloads, message: '' };
    const closed = this.#server.opened(
      {
        protocol: socket.protocol,
        send: (data) => sent(socket, payloads.complete(data)),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (read) => {
          socket.on('message', (data: Buffer) => {
            extra.message = data.toString();
            // The hooks don't throw, so this type of message is never sent by callers.
            read(extra.message).catch(() => socket.close(BAD_REQUEST, 'Unexpected message.'));
          });
        },
      },
      extra,
    );
    const timer = pinging(socket);
    this.#open.set(socket, null);
    // ws closes the connection with the code of the fault.
    socket.on('error', () => undefined);
    socket.once('close', (code, reason) => {
      clearInterval(timer);
      this.#open.delete(socket);
      void closed(code, reason.toString());
    });
  }

  /** Closes a connection without running operations. */
  #leave(socket: WebSocket, connection: Connection | null): void {
    if (connection?.isIdle !== false) leave(socket);
  }

  #serverOptions(): ServerOptions {
    return {
      connectionInitWaitTimeout: INIT_TIME,
      onConnect: (context) => this.#connect(context),
      onClose: (context) => this.#closed(context),
      onSubscribe: (context, id, payload) => this.#subscribe(context, id, payload),
      execute: (args) => this.#runs.get(args)?.() as OperationResult,
      // The results are formatted already.
      onNext: (context, ...[, , , result]) => {
        const caller = this.#callers.get(context);
        // After it was written to the socket.
        setImmediate(() => caller?.connection.measure());
        if (!(result instanceof WrittenResult)) return result as FormattedExecutionResult;
        return (context.extra as Opened).payloads.standIn(result.text) as FormattedExecutionResult;
      },
      onError: (context, _, payload, errors) => {
        this.#finished(context, payload);
        const fault = errors[0]?.originalError;
        if (fault instanceof UpstreamErrors) {
          const { payloads } = context.extra as Opened;
          return Object.assign([...fault.errors], payloads.standIn(fault.text));
        }
        return this.#errors.get(errors) ?? errors.map((error) => formattedError(error));
      },
      onComplete: (context, _, payload) => this.#finished(context, payload),
    };
  }

  #finished(context: Context, payload: SubscribePayload): void {
    const connection = this.#callers.get(context)?.connection;
    if (connection === undefined) return;
    connection.finish(payload);
    // After the last message of the operation.
    if (this.#isStopping) setImmediate(() => this.#leave((context.extra as Opened).socket, connection));
  }

  async #connect(context: Context): Promise<boolean> {
    const { latchkey, streams, observer } = this.#options;
    const connection = new Connection(context, {
      maxOperations: MAX_OPERATIONS,
      addressOf: (extra) => (extra as Opened).address,
      latchkey: {
        context: latchkey.context,
        streams: {
          bytes: streams.bytes,
          take: async ({ principal }) => {
            if (principal.kind === 'anonymous') throw unauthenticated('missing');
            const place = await streams.take(principal).catch((error: unknown) => {
              if (error instanceof Refusal) observer.refused(principal.tier, error.details.code);
              throw error;
            });
            const keep = (stream: OpenStream): void =>
              // A stop, which ends streams, is up to this class.
              place.keep({ beat: () => stream.beat(), onEnd: (each) => stream.onEnd(each), end: () => undefined });
            return { keep, giveBack: () => place.giveBack() };
          },
          watch: (source, principal, reliant) =>
            watchSource(streams, { source, principal, standing: (each) => latchkey.standing(each) }, reliant),
        },
      },
    });
    this.#callers.set(context, { connection, upstream: null, upstreams: new Set() });
    const { socket } = context.extra as Opened;
    if (this.#open.has(socket)) this.#open.set(socket, connection);
    if (await connection.open(context.connectionParams)) {
      this.#options.verified(connection.socket);
      return true;
    }
    // graphql-ws closes the connection with its own code if it gets a result before the reason was sent.
    await new Promise((resolve) => setImmediate(resolve));
    return false;
  }

  #closed(context: Context): void {
    const caller = this.#callers.get(context);
    caller?.connection.closed();
    for (const upstream of caller?.upstreams ?? []) upstream.close();
  }

  async #subscribe(
    context: Context,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    // graphql-ws calls this while it reads the message.
    const { message } = context.extra as Opened;
    const caller = this.#callers.get(context);
    if (caller?.connection.isOpen !== true) return [CLOSED];
    if (this.#isStopping) return this.#told([this.#formOf(unavailable(STOPPING, 1))]);
    const { connection } = caller;
    if (id.length > MAX_ID) {
      connection.socket.close(BAD_REQUEST, `The ID of an operation has more than ${MAX_ID} characters.`);
      return [CLOSED];
    }
    try {
      const begun = await connection.begin(payload);
      const { principal } = begun;
      if (principal.kind === 'anonymous') throw unauthenticated('missing');
      const asked = askedIn(payload, message);
      const judged = await this.#judged(asked, begun, connection.extra.request as IncomingMessage);
      // The caller may have completed it in the meantime.
      if (!(id in context.subscriptions)) return [CLOSED];
      if (judged.kind === 'answered') return this.#answered(judged);
      if (asked instanceof Error) return [CLOSED];
      return this.#executed(() => this.#forward({ caller, asked, admitted: judged, principal, context: begun }));
    } catch (error) {
      return this.#told([this.#formOf(error)]);
    }
  }

  #judged(
    asked: Asked | Error,
    { principal, origin }: LatchkeyContext,
    { headers }: IncomingMessage,
  ): Judged | Promise<Judged> {
    const context: RequestContext = {
      principal,
      origin: origin ?? { address: null, userAgent: headers['user-agent'] ?? null },
      requestId: randomUUID(),
      outcome: { word: 'ok', operation: null, operationName: null, begunAfter: null, isJudged: false },
      counted: false,
      opening: null,
    };
    const { judge } = this.#options.gateway;
    return asked instanceof Error ? judge.refuse(asked, context) : judge.judge(asked, context, { streams: true });
  }

  #answered({ body }: Answered): ExecutionArgs | readonly GraphQLError[] {
    const result = JSON.parse(body) as FormattedExecutionResult;
    if (result.errors !== undefined) return this.#told(result.errors);
    return this.#executed(() => Promise.resolve(result));
  }

  /** Sends an operation to the upstream, and returns its results. */
  #forward({ caller, asked, admitted, principal, context }: Forwarding): ForwardedResults {
    const { gateway, latchkey, streams } = this.#options;
    const { schema, document, operation, filtered, cost } = admitted;
    const { query: source, variables } = asked;
    const { connection } = caller;
    const upstream = this.#upstreamOf(caller, principal);
    const isSubscription = operation.operation.valueOf() === 'subscription';
    const onEnds: (() => void)[] = [];
    const results = new ForwardedResults({
      workspaceId: principal.workspaceId,
      bytes: streams.bytes,
      review: (current) => gateway.review({ schema, source, document, operation, variables }, current),
      ...((filtered !== null || cost !== null) && {
        complete: (text) => {
          if (cost !== null) settleBy(cost, text);
          return filtered === null ? text : filtered.complete(text);
        },
      }),
      tell: (error) => ({ errors: [this.#formOf(error, context)] }),
      onWaiting: (isWaiting) => upstream.waits(results, isWaiting),
      onEnd: (error) => {
        cost?.settle(null);
        upstream.ended(results);
        this.#running.delete(results);
        for (const end of onEnds) end();
        if (error === undefined) gateway.onAnswer('answered');
        else gateway.onAnswer(outcomeOf(error));
      },
    });
    this.#running.set(results, isSubscription);
    if (!isSubscription) {
      const timer = setTimeout(() => results.end(timedOut()), gateway.upstream.timeout);
      onEnds.push(() => clearTimeout(timer));
    }
    const watched = {
      source: connection.source,
      principal,
      standing: (each: ForeignSource) => latchkey.standing(each),
    };
    const release = watchSource(streams, watched, results);
    if (results.hasEnded) release();
    else onEnds.push(release);
    if (this.#isStopping && isSubscription) results.end(unavailable(STOPPING, 1));
    try {
      if (!results.hasEnded) upstream.run(bodyOf(forwardedAs(asked, filtered)), results);
    } catch (error) {
      results.end(error);
    }
    return results;
  }

  /** Returns the connection to the upstream that was opened for this principal, or a new one. */
  #upstreamOf(caller: Caller, principal: AuthenticatedPrincipal): UpstreamSocket {
    const holder = holderOf(principal);
    if (caller.upstream?.holder === holder) return caller.upstream.socket;
    const { gateway, maxBytes } = this.#options;
    const { headers } = caller.connection.extra.request as IncomingMessage;
    const own = gateway.authorization === null ? [] : ['authorization', gateway.authorization];
    const socket = new UpstreamSocket({
      url: gateway.webSockets ?? '',
      headers: [...gateway.fields.toUpstream(headers), 'x-request-id', randomUUID(), ...own],
      sign: () => gateway.sign(principal),
      maxBytes,
      timeout: gateway.upstream.timeout,
      count: gateway.socketCount,
    });
    caller.upstream = { socket, holder };
    caller.upstreams.add(socket);
    return socket;
  }

  #executed(run: () => unknown): ExecutionArgs {
    const { schema } = this.#options.gateway;
    const args: ExecutionArgs = { schema, document: ANY_OPERATION, rootValue: undefined, contextValue: undefined };
    this.#runs.set(args, run);
    return args;
  }

  /** Returns the form of an error for the caller, and logs what it hides. */
  #formOf(error: unknown, context: LatchkeyContext = { principal: ANONYMOUS }): GraphQLFormattedError {
    this.#options.latchkey.report(error, context);
    return error instanceof GraphQLError ? formattedError(error) : INTERNAL_ERROR;
  }

  /** graphql-ws takes a list of GraphQLErrors, and asks for their form when it sends them. */
  #told(errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] {
    const list = [CLOSED];
    this.#errors.set(list, errors);
    return list;
  }
}

const STOPPING = 'The server is stopping. Send the operation again to reach another server.';

/** Closes a connection, because the server is stopping. */
function leave(socket: WebSocket): void {
  if (socket.readyState >= WebSocket.CLOSING) return;
  socket.close(GOING_AWAY, STOPPING);
  setTimeout(() => socket.terminate(), CLOSE_TIME).unref();
}

/** Resolves when the data was written, so that a slow caller receives the next result later. */
function sent(socket: WebSocket, data: string): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(data, () => resolve()));
}

/** Ends the connection of a caller who doesn't answer. */
function pinging(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  return setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, PING_EVERY).unref();
}

/** Returns the operation in a message, or what is wrong with it. @param message as it was sent */
function askedIn(payload: SubscribePayload, message: string): Asked | Error {
  try {
    return askedInBody(payload, memberOf(message, 'payload') ?? '');
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

/** Names what Latchkey-Principal says about a caller. */
function holderOf(principal: AuthenticatedPrincipal): string {
  const { keyId, workspaceId, projectId, userId, tier, scopes } = principal;
  return JSON.stringify([keyId, workspaceId, projectId, userId, tier, scopes]);
}

function outcomeOf(error: unknown) {
  if (!(error instanceof Refusal)) return 'invalid';
  const { code } = error.details;
  return code === 'BAD_GATEWAY' || code === 'GATEWAY_TIMEOUT' ? refusalOfFault(error).outcome : 'cancelled';
}
