import type { Context } from 'graphql-ws';
import type { Latchkey } from '../../assembly/libraryApi.js';
import type { CredentialSource } from '../../core/auth/locate.js';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Reader } from '../../core/streams/waitingBytes.js';
import { closingOf } from './closeCodes.js';
import { connectionSource } from './connectionSource.js';
import type { Socket } from './socket.js';
import { extraOf, type Extra } from './socket.js';

/** How long a reader may take to read the last message, in ms. */
const LAST_WORD = 5_000;

interface ConnectionOptions {
  readonly latchkey: Pick<Latchkey, 'context'> & {
    readonly streams: Pick<Latchkey['streams'], 'take' | 'watch' | 'bytes'>;
  };
  readonly maxOperations: number;
  readonly addressOf: ((extra: Extra) => string | undefined) | undefined;
}

/** One connection: its credential, its place, its running operations, and the bytes that wait for it. */
export class Connection implements Reader {
  readonly socket: Socket;
  readonly extra: Extra;
  readonly #options: ConnectionOptions;
  readonly #running = new Set<object>();
  readonly #onEnd: (() => void)[] = [];
  #source: CredentialSource = { headers: {} };
  #workspaceId = '';
  #buffered = 0;
  #sentAt = performance.now();
  #isEnding = false;
  #isClosed = false;

  constructor(context: Context, options: ConnectionOptions) {
    this.extra = extraOf(context.extra);
    this.socket = this.extra.socket;
    this.#options = options;
  }

  /** The request with all of its credentials. */
  get source(): CredentialSource {
    return this.#source;
  }

  get workspaceId(): string {
    return this.#workspaceId;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether operations may start. */
  get isOpen(): boolean {
    return !this.#isEnding && !this.#isClosed && (this.socket.readyState ?? 1) === 1;
  }

  /** Whether no operation is running. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  get waiting(): number {
    return this.#buffered;
  }

  get stalledFor(): number {
    return this.#buffered === 0 ? 0 : performance.now() - this.#sentAt;
  }

  /**
   * Verifies the key, takes a place for the connection, and watches the key from then on.
   *
   * @param payload of connection_init
   * @returns whether the connection was accepted; otherwise it is being closed
   */
  async open(payload: unknown): Promise<boolean> {
    const { latchkey, addressOf } = this.#options;
    try {
      this.#source = connectionSource(this.extra.request, payload, addressOf?.(this.extra));
      const context = await latchkey.context(this.#source);
      if (context.principal.kind === 'anonymous') throw unauthenticated('missing');
      const place = await latchkey.streams.take(context);
      if (!this.isOpen) {
        place.giveBack();
        return false;
      }
      this.#workspaceId = context.principal.workspaceId;
      this.#onEnd.push(latchkey.streams.bytes.join(this));
      this.#onEnd.push(latchkey.streams.watch(this.#source, context.principal, this));
      place.keep(this);
      return this.isOpen;
    } catch (error) {
      this.end(error);
      return false;
    }
  }

  /**
   * Authenticates an operation like a request, and counts it among the running ones.
   *
   * @param operation identifies it until {@link finish}
   * @throws Refusal. The connection is closed if its key is not valid any longer
   */
  async begin(operation: object): Promise<LatchkeyContext> {
    const { latchkey, maxOperations } = this.#options;
    if (this.#running.size >= maxOperations) throw tooMany(maxOperations);
    this.#running.add(operation);
    this.measure();
    try {
      return await latchkey.context(this.#source);
    } catch (error) {
      if (error instanceof Refusal && ENDING.has(error.details.code)) this.end(error);
      throw error;
    }
  }

  finish(operation: object): void {
    this.#running.delete(operation);
    this.measure();
  }

  /** Counts the bytes in the buffer of the socket. */
  measure(): void {
    const buffered = this.#isClosed ? 0 : (this.socket.bufferedAmount ?? 0);
    if (buffered < this.#buffered || this.#buffered === 0) this.#sentAt = performance.now();
    const { bytes } = this.#options.latchkey.streams;
    bytes.change(buffered - this.#buffered);
    this.#buffered = buffered;
    bytes.enforce();
  }

  /** The key is still valid. Each operation is checked separately. */
  judged(): void {
    // Nothing else depends on it.
  }

  /** graphql-ws sends pings. */
  beat(): void {
    // Nothing to send.
  }

  /** Closes the connection. Can be called more than once. */
  end(error?: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { code, reason } = closingOf(error);
    // Operations that end for the same reason send their last message first.
    setImmediate(() => {
      this.socket.close(code, reason);
      setTimeout(() => this.destroy(), LAST_WORD).unref();
    });
  }

  onEnd(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#onEnd.push(listener);
  }

  overflow(refusal: Refusal): void {
    this.end(refusal);
  }

  destroy(): void {
    if (!this.#isClosed) this.socket.terminate?.();
  }

  /** Call it when the socket was closed, for any reason. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isEnding = true;
    this.measure();
    for (const listener of this.#onEnd.splice(0)) listener();
  }
}

/** Refusals that say that the key is not valid any longer. */
const ENDING: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'ADDRESS_NOT_ALLOWED', 'BAD_REQUEST']);

function tooMany(limit: number): Refusal {
  return new Refusal(
    `This connection has ${limit} running operations, which is its limit. Wait until one has finished, or complete one.`,
    { code: 'TOO_MANY_STREAMS', limit },
  );
}
