import type { Principal } from '../credentials/principal.js';
import { EventQueue } from './queue.js';

/** Where a stream is written to. */
export interface Sink {
  /** Resolves once the reader has room for more, or is gone. */
  send(result: object): Promise<void>;
  /** Shows that the stream lives. */
  beat(): void;
  /** Says the last word and closes. @param last a result before the end; null: the stream has simply ended */
  complete(last: object | null): void;
}

export interface StreamOptions {
  readonly source: AsyncIterator<unknown>;
  readonly sink: Sink;
  /** Who may read on. Without a promise where nothing has to be read. @throws Refusal, or rejects with one */
  readonly judge: () => Principal | Promise<Principal>;
  /** The result that an event gives this reader. */
  readonly answer: (event: unknown, principal: Principal) => object | Promise<object>;
  /** An error as a result. */
  readonly tell: (error: unknown) => object;
  /** Of the key, for whoever looks for the streams that a change concerns. */
  readonly principal: Principal;
}

/**
 * One open stream. Before each event its reader is judged as one who comes with a request, so that none goes out to a key
 * that is revoked, has expired or lost the scope; between events {@link judge} is called for it.
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #listeners: (() => void)[] = [];
  /** What its reader has no room for yet. Where it overflows the stream ends, though its reader may never have room again. */
  readonly #waiting = new EventQueue<unknown>((overflow) => {
    if (overflow !== null) this.end(overflow);
  });
  #judging = false;
  #ended = false;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  get principal(): Principal {
    return this.#options.principal;
  }

  /** Answers events until the source or the stream ends. Never rejects. */
  async run(): Promise<void> {
    const { sink, judge, answer } = this.#options;
    void this.#gather();
    try {
      while (!this.#hasEnded()) {
        const next = await this.#waiting.next();
        if (next.done === true) break;
        const result = await answer(next.value, await judge());
        if (!this.#hasEnded()) await sink.send(result);
      }
      this.end();
    } catch (error) {
      this.end(error);
    }
  }

  /** Ends the stream unless its reader may read on. One question at a time: a store that hangs must not gather them. */
  judge(): void {
    if (this.#judging || this.#ended) return;
    try {
      const judged = this.#options.judge();
      if (!(judged instanceof Promise)) return;
      this.#judging = true;
      judged
        .catch((error: unknown) => this.end(error))
        .finally(() => {
          this.#judging = false;
        });
    } catch (error) {
      this.end(error);
    }
  }

  beat(): void {
    if (!this.#ended) this.#options.sink.beat();
  }

  /** Idempotent. @param error why; without, there is nothing more to tell */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const { sink, source, tell } = this.#options;
    sink.complete(error === undefined ? null : tell(error));
    void this.#waiting.return();
    source.return?.().catch(() => undefined);
    for (const listener of this.#listeners) listener();
  }

  /** To be called at the end, whatever brings it. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async #gather(): Promise<void> {
    const { source } = this.#options;
    try {
      while (!this.#hasEnded()) {
        const next: IteratorResult<unknown, unknown> = await source.next();
        if (next.done === true) break;
        this.#waiting.push(next.value);
      }
      this.#waiting.finish();
    } catch (error) {
      this.end(error);
    }
  }

  /** Not the field itself, which a compiler takes for unchanged over an await. */
  #hasEnded(): boolean {
    return this.#ended;
  }
}
