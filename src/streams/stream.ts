import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Refusal } from '../refusals/refusal.js';
import type { Message } from './message.js';
import { MAX_WAITING, overflow } from './queue.js';
import type { Reliant, WatchedCredential } from './watchedCredential.js';

/** Where a stream is written to. */
export interface Sink {
  /** Whether the next message would leave at once. */
  readonly hasRoom: boolean;
  /** Messages that wait. */
  readonly messages: number;
  send(message: Message): void;
  /** @param listener called whenever there may be room again, and when the reader is gone */
  onRoom(listener: () => void): void;
  /**
   * @param listener called where more waits in the process than may, and the most for this reader
   * @param events returns the bytes of events that wait for it
   */
  onOverflow(listener: (refusal: Refusal) => void, events: () => number): void;
  /** Shows that the stream lives. */
  beat(): void;
  /** Says the last word and closes; what waits is dropped. @param last a result before the end; null: the source has ended */
  complete(last: object | null): void;
}

export interface StreamOptions {
  readonly sink: Sink;
  /** The reader's. */
  readonly credential: WatchedCredential;
  /** @throws Refusal where the operation is not for that principal (any more) */
  readonly check: (principal: AuthenticatedPrincipal) => void;
  /** An error as a result. */
  readonly tell: (error: unknown) => object;
}

/** One open stream: a reader of the events of a subscription that it may share with others. */
export class Stream implements Reliant {
  readonly #options: StreamOptions;
  readonly #listeners: (() => void)[] = [];
  #hasEnded = false;

  constructor(options: StreamOptions) {
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

  /** @param onRoom called whenever there may be room for another message @param waiting bytes of events that wait for it */
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

  /** Idempotent. @param error why; without, the source has ended */
  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { sink, tell } = this.#options;
    sink.complete(error === undefined ? null : tell(error));
    for (const listener of this.#listeners) listener();
  }

  /** To be called at the end, whatever brings it. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
