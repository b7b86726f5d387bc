import {
  GraphQLError,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { z } from 'zod';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { INTERNAL_ERROR } from '../../core/errors/publicErrors.js';
import { formattedError } from '../../core/guard/request/plainReply.js';
import { RequestDocuments } from '../../core/guard/request/requestDocuments.js';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';
import { checkOptions } from '../../core/util/checkOptions.js';
import { aFunction, has, integer } from '../../core/util/optionSchemas.js';
import { BAD_REQUEST } from './closeCodes.js';
import { Connection } from './wsConnection.js';
import { SocketOperation } from './wsOperation.js';
import { boundSockets, type Extra, type SocketBounds, type SocketServer } from './socket.js';

/** The options of connections, whatever server has them. */
export interface ConnectionOptions {
  /**
   * Returns additional properties for the context of resolvers.
   *
   * @param context the context of the operation
   * @param extra the socket and the request that opened it
   */
  readonly context?: (context: LatchkeyContext, extra: Extra) => object | Promise<object>;
  /** Returns the caller's address behind a proxy. Default: the address of the socket. */
  readonly address?: (extra: Extra) => string | undefined;
  /** Running operations of one connection. Default: 50. */
  readonly maxOperations?: number;
  /** The size of a message, in bytes. Default: 262,144. */
  readonly maxMessageBytes?: number;
  /** Messages of one connection in a second. Default: 200. */
  readonly maxMessages?: number;
  /** Connections in this process that have sent no valid key yet. If there are more, the oldest are closed. Default: 1,000. */
  readonly maxUnverified?: number;
  /** How long a connection may take to send connection_init, in ms. Default: 3,000. */
  readonly initTimeout?: number;
}

/**
 * The options of {@link latchkeyWs}.
 *
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import type { LatchkeyWsOptions } from 'latchkey/graphql-ws';
 * import type { WebSocketServer } from 'ws';
 *
 * export const optionsOf = (schema: GraphQLSchema, sockets: WebSocketServer): LatchkeyWsOptions => ({
 *   schema,
 *   sockets,
 *   maxOperations: 20,
 * });
 * ```
 */
export interface LatchkeyWsOptions extends ConnectionOptions {
  /** The schema that `latchkey.guard` returned. */
  readonly schema: GraphQLSchema;
  /**
   * The `WebSocketServer` of `ws` whose messages and unverified connections are bounded. null if the transport does so
   * itself, or has another kind of server.
   */
  readonly sockets: SocketServer | null;
}

/** The checks of {@link ConnectionOptions}. */
export const connectionShape = {
  context: aFunction().optional(),
  address: aFunction().optional(),
  maxOperations: integer(1, 10_000).optional(),
  maxMessageBytes: integer(1_024, 64 * 2 ** 20).optional(),
  maxMessages: integer(1, 1_000_000).optional(),
  maxUnverified: integer(1, 1_000_000).optional(),
  initTimeout: integer(1, 60_000).optional(),
} satisfies Record<keyof ConnectionOptions, z.ZodType>;

const optionsSchema = z.strictObject(
  {
    schema: has<GraphQLSchema>((value) => typeof value === 'object' && value !== null, 'the guarded GraphQLSchema'),
    sockets: has<SocketServer | null>(isSocketServer, 'a WebSocketServer of ws, or null'),
    ...connectionShape,
  } satisfies Record<keyof LatchkeyWsOptions, z.ZodType>,
  'an object with at least schema and sockets',
);

function isSocketServer(value: unknown): boolean {
  const { on, options } = (value ?? {}) as Partial<SocketServer>;
  return value === null || (typeof on === 'function' && typeof options === 'object');
}

/** The longest ID of an operation, in characters. Clients use UUIDs. */
const MAX_ID = 128;

/**
 * Returns options for `useServer` of graphql-ws. A connection needs a key, in connection_init, in Sec-WebSocket-Protocol or
 * in a header field. Each operation is checked, counted and answered like a request over HTTP. Connections are closed when
 * their key is revoked or expires, and subscriptions end when it loses a scope that they need.
 *
 * @throws TypeError for an invalid option; GuardError for a schema that is not guarded
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import type { GraphQLSchema } from 'graphql';
 * import { useServer } from 'graphql-ws/use/ws';
 * import type { Latchkey } from 'latchkey';
 * import { latchkeyWs } from 'latchkey/graphql-ws';
 * import { WebSocketServer } from 'ws';
 *
 * export function serve(latchkey: Latchkey, schema: GraphQLSchema): void {
 *   const server = createServer();
 *   const sockets = new WebSocketServer({ server, path: '/graphql' });
 *   useServer(latchkeyWs(latchkey, { schema, sockets }), sockets);
 *   server.listen(4000);
 * }
 * ```
 */
export function latchkeyWs(
  latchkey: Pick<Latchkey, 'requests' | 'streams' | 'context'>,
  options: LatchkeyWsOptions,
): ServerOptions {
  checkOptions('latchkeyWs', optionsSchema, options);
  latchkey.requests.prepare(options.schema);
  const { sockets } = options;
  const verified = sockets === null ? () => undefined : boundSockets(sockets, socketBounds(options));
  return new SocketGuard(latchkey, options, verified).serverOptions();
}

/** Returns the bounds of connections, with their defaults. */
export function socketBounds(options: Partial<SocketBounds>): SocketBounds {
  const { maxMessageBytes = MAX_BODY_BYTES, maxMessages = 200, maxUnverified = 1_000 } = options;
  return { maxMessageBytes, maxMessages, maxUnverified };
}

/** Options for adapters that serve sockets themselves. */
interface SocketGuardOptions extends ConnectionOptions {
  readonly schema: GraphQLSchema;
  /** Further rules for documents. */
  readonly validationRules?: readonly ValidationRule[];
  /** Called once when an operation has ended, with the result of `context`. Not if it has not started. */
  readonly onOperationEnd?: (own: object) => void;
}

/** Translates the hooks of graphql-ws to the steps of a {@link RequestGuard}. */
export class SocketGuard {
  readonly #latchkey: Pick<Latchkey, 'requests' | 'streams' | 'context'>;
  readonly #options: SocketGuardOptions;
  readonly #documents: RequestDocuments;
  readonly #verified: (socket: Extra['socket']) => void;
  readonly #connections = new WeakMap<object, Connection>();
  /** By the arguments with which graphql-ws executes them. */
  readonly #operations = new WeakMap<object, SocketOperation>();
  /** The errors for the caller, by the list that graphql-ws received. */
  readonly #errors = new WeakMap<object, readonly GraphQLFormattedError[]>();

  /** @param verified called when the key of a connection was verified */
  constructor(
    latchkey: Pick<Latchkey, 'requests' | 'streams' | 'context'>,
    options: SocketGuardOptions,
    verified: (socket: Extra['socket']) => void,
  ) {
    this.#latchkey = latchkey;
    this.#options = options;
    this.#documents = new RequestDocuments(latchkey.requests, options.schema, options.validationRules);
    this.#verified = verified;
  }

  serverOptions(): ServerOptions {
    return {
      connectionInitWaitTimeout: this.#options.initTimeout ?? 3_000,
      onConnect: (context) => this.#connect(context),
      onClose: (context) => this.#connections.get(context)?.closed(),
      onSubscribe: (context, id, payload) => this.#subscribe(context, id, payload),
      execute: (args) => this.#operation(args).execute(),
      subscribe: (args) => this.#operation(args).subscribe(),
      // The results are formatted already.
      onNext: (context, ...[, , , result]) => {
        const connection = this.#connections.get(context);
        // After it was written to the socket.
        setImmediate(() => connection?.measure());
        return result as FormattedExecutionResult;
      },
      onError: (context, _, payload, errors) => {
        this.#connections.get(context)?.finish(payload);
        return this.#errors.get(errors) ?? errors.map(formattedError);
      },
      onComplete: (context, _, payload) => this.#connections.get(context)?.finish(payload),
    };
  }

  async #connect(context: Context): Promise<boolean> {
    const { maxOperations = 50, address: addressOf } = this.#options;
    const connection = new Connection(context, { latchkey: this.#latchkey, maxOperations, addressOf });
    this.#connections.set(context, connection);
    const isOpen = await connection.open(context.connectionParams);
    if (isOpen) {
      this.#verified(connection.socket);
      return true;
    }
    // graphql-ws closes the connection with its own code if it gets a result before the reason was sent.
    await new Promise((resolve) => setImmediate(resolve));
    return false;
  }

  async #subscribe(
    context: Context,
    id: string,
    payload: SubscribePayload,
  ): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const connection = this.#connections.get(context);
    if (connection?.isOpen !== true) return [CLOSED];
    if (id.length > MAX_ID) {
      connection.socket.close(BAD_REQUEST, `The ID of an operation has more than ${MAX_ID} characters.`);
      return [CLOSED];
    }
    const { schema } = this.#options;
    try {
      const base = await connection.begin(payload);
      const own = (await this.#options.context?.(base, connection.extra)) ?? {};
      const operation = new SocketOperation({
        ...{ schema, connection, payload, latchkey: this.#latchkey },
        context: { ...own, ...base },
        onEnd: () => this.#options.onOperationEnd?.(own),
      });
      const refused = await operation.refuse(this.#documents.read(payload.query));
      if (refused !== null) return this.#told(refused);
      const { args } = operation;
      this.#operations.set(args, operation);
      return args;
    } catch (error) {
      return this.#told([this.#refusalOf(error)]);
    }
  }

  /** Returns the form of an error before the operation was known, and logs what it hides. */
  #refusalOf(error: unknown): GraphQLFormattedError {
    this.#latchkey.requests.report(error, { principal: ANONYMOUS });
    return error instanceof GraphQLError ? formattedError(error) : INTERNAL_ERROR;
  }

  /** graphql-ws takes a list of GraphQLErrors, and asks for their form when it sends them. */
  #told(errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] {
    const list = [CLOSED];
    this.#errors.set(list, errors);
    return list;
  }

  /** @throws Error for arguments that were not checked. Then the connection is closed */
  #operation(args: ExecutionArgs): SocketOperation {
    const operation = this.#operations.get(args);
    if (operation === undefined) throw new Error('An operation was executed that was not checked.');
    return operation;
  }
}

/** Replaces errors in any other form, and errors of a connection that is closing. */
const CLOSED = new GraphQLError('The connection is closing.');
