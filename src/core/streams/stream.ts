import type { AuthenticatedPrincipal } from '../auth/principal.js';
import type { Refusal } from '../errors/refusal.js';
import { MAX_WAITING, overflow } from './queue.js';
import type { Reliant, WatchedCredential } from './watchedCredential.js';

/**
 * The connection of a stream.
 *
 * @typeParam Message a result as it is sent. All streams of a subscription share it
 */
export interface Sink<Message> {
  /** Whether the next message would be sent immediately. */
  readonly hasRoom: boolean;
  /** The messages that wait. */
  readonly messages: number;
  send(message: Message): void;
  /** @param listener called when there may be room again, and when the reader has disconnected */
  onRoom(listener: () => void): void;
  /**
   * @param listener called if too many bytes wait in the process, and most of them for this reader
   * @param events returns the bytes of events that wait for it
   */
  onOverflow(listener: (refusal: Refusal) => void, events: () => number): void;
  /** Sends a heartbeat. */
  beat(): void;
  /**
   * Sends the last message and closes. Waiting messages are dropped.
   *
   * @param last a result before the end; null if the source has ended
   */
  complete(last: object | null): void;
}

interface StreamOptions<Message> {
  readonly sink: Sink<Message>;
  /** The principal of the reader. */
  readonly credential: WatchedCredential;
  /** @throws {@link Refusal} if the principal may not run the operation (any longer) */
  readonly check: (principal: AuthenticatedPrincipal) => void;
  /** Returns an error as a result. */
  readonly tell: (error: unknown) => object;
}

/** An open stream: one reader of the events of a subscription, which other streams may share. */
export class Stream<Message> implements Reliant {
  readonly #options: StreamOptions<Message>;
  readonly #listeners: (() => void)[] = [];
  #hasEnded = false;

  constructor(options: StreamOptions<Message>) {
    this.#options = options;
    options.credential.add(this);
    this.onEnd(() => options.credential.remove(this));
  }

  get credential(): WatchedCredential {
    return this.#options.credential;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get hasRoom(): boolean {
    return this.#hasEnded || this.#options.sink.hasRoom;
  }

  /**
   * @param onRoom called when there may be room for another message
   * @param waiting the bytes of events that wait for it
   */
  joins(onRoom: () => void, waiting: () => number): void {
    const { sink } = this.#options;
    sink.onRoom(onRoom);
    sink.onOverflow((refusal) => this.end(refusal), waiting);
  }

  judged(principal: AuthenticatedPrincipal): void {
    this.#options.check(principal);
  }

  send(message: Message): void {
    if (this.#hasEnded) return;
    const { sink } = this.#options;
    if (sink.messages < MAX_WAITING) sink.send(message);
    else this.end(overflow());
  }

  beat(): void {
    if (!this.#hasEnded) this.#options.sink.beat();
  }

  /**
   * Ends the stream. Can be called more than once.
   *
   * @param error the reason; undefined if the source has ended
   */
  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { sink, tell } = this.#options;
    sink.complete(error === undefined ? null : tell(error));
    for (const listener of this.#listeners) listener();
  }

  /** Called at the end, whatever the reason. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
