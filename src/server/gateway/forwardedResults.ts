import type { GraphQLFormattedError } from 'graphql';
import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import type { Refusal } from '../../core/errors/refusal.js';
import { DONE, ResultGenerator, type Step } from '../../core/streams/resultGenerator.js';
import type { Reader, WaitingBytes } from '../../core/streams/waitingBytes.js';
import { WrittenResult } from './writtenPayloads.js';
import type { Reliant } from '../../core/streams/watchedCredential.js';

/** The errors with which the upstream ended an operation. */
export class UpstreamErrors extends Error {
  readonly errors: readonly GraphQLFormattedError[];
  /** As the upstream wrote them. */
  readonly text: string;

  constructor(errors: readonly GraphQLFormattedError[], text: string) {
    super('The API behind the gateway refused the operation.');
    this.errors = errors;
    this.text = text;
  }
}

interface ForwardedResultsOptions {
  readonly workspaceId: string;
  readonly bytes: WaitingBytes;
  /** Returns why a principal may not run the operation; null if it may. */
  readonly review: (principal: AuthenticatedPrincipal) => Refusal | null;
  /** Returns the text of a result for the caller. Default: as the upstream wrote it. @throws Refusal, which ends the operation */
  readonly complete?: (text: string) => string;
  /** Returns the result that tells the caller of an error. */
  readonly tell: (error: unknown) => object;
  /** Called when results wait for the caller, and when none waits any longer. */
  readonly onWaiting: (isWaiting: boolean) => void;
  /** Called once. @param error why the gateway ended the operation; undefined if the upstream or the caller did */
  readonly onEnd: (error: unknown) => void;
}

/** The results of one operation on their way from the upstream to the WebSocket of the caller. */
export class ForwardedResults extends ResultGenerator implements Reader, Reliant {
  readonly #options: ForwardedResultsOptions;
  readonly #leave: () => void;
  readonly #queue: { readonly result: object; readonly size: number }[] = [];
  #reader: { readonly resolve: (step: Step) => void; readonly reject: (error: Error) => void } | null = null;
  #last: object | null = null;
  #fault: Error | null = null;
  #hasEnded = false;
  #waiting = 0;
  #askedAt = performance.now();

  constructor(options: ForwardedResultsOptions) {
    super();
    this.#options = options;
    this.#leave = options.bytes.join(this);
  }

  get workspaceId(): string {
    return this.#options.workspaceId;
  }

  get isEnding(): boolean {
    return this.#hasEnded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get stalledFor(): number {
    return this.#queue.length === 0 ? 0 : performance.now() - this.#askedAt;
  }

  /** @param size in bytes */
  push(written: WrittenResult, size: number): void {
    if (this.#hasEnded) return;
    const result = this.#completed(written);
    if (result === null) return;
    if (this.#reader !== null) {
      this.#give({ done: false, value: result });
      return;
    }
    this.#queue.push({ result, size });
    this.#count(size);
    this.#options.onWaiting(true);
    this.#options.bytes.enforce();
  }

  /** Returns null if the result can't be completed, and the operation has ended. */
  #completed(result: WrittenResult): WrittenResult | null {
    const { complete } = this.#options;
    if (complete === undefined) return result;
    try {
      return new WrittenResult(complete(result.text));
    } catch (error) {
      this.end(error);
      return null;
    }
  }

  /** The upstream has ended the operation. Results that wait are still sent. @param fault default: none */
  finish(fault: Error | null = null): void {
    if (this.#hasEnded) return;
    this.#fault = fault;
    this.#close();
    if (this.#queue.length === 0) this.#settle();
  }

  judged(principal: AuthenticatedPrincipal): void {
    const refusal = this.#options.review(principal);
    if (refusal !== null) throw refusal;
  }

  /** Ends the operation. Results that wait are dropped. @param error the caller receives it */
  end(error: unknown): void {
    if (this.#hasEnded) return;
    this.#last = this.#options.tell(error);
    this.#drop();
    this.#close(error);
    this.#settle();
  }

  overflow(refusal: Refusal): void {
    this.end(refusal);
  }

  destroy(): void {
    this.#drop();
  }

  next(): Promise<Step> {
    const first = this.#queue.shift();
    this.#askedAt = performance.now();
    if (first !== undefined) {
      this.#count(-first.size);
      if (this.#queue.length === 0) this.#options.onWaiting(false);
      return Promise.resolve({ done: false, value: first.result });
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#hasEnded) this.#settle();
    });
  }

  return(): Promise<Step> {
    this.#drop();
    this.#last = null;
    this.#fault = null;
    if (!this.#hasEnded) this.#close();
    this.#settle();
    return Promise.resolve(DONE);
  }

  #close(error?: unknown): void {
    this.#hasEnded = true;
    this.#leave();
    this.#options.onEnd(error);
  }

  /** Tells a waiting reader that there are no more results. */
  #settle(): void {
    const [fault, last] = [this.#fault, this.#last];
    if (this.#reader === null) return;
    this.#fault = null;
    this.#last = null;
    if (fault !== null) {
      const { reject } = this.#reader;
      this.#reader = null;
      reject(fault);
    } else this.#give(last === null ? DONE : { done: false, value: last });
  }

  #give(step: Step): void {
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve(step);
  }

  #drop(): void {
    if (this.#queue.length > 0) this.#options.onWaiting(false);
    this.#queue.length = 0;
    this.#count(-this.#waiting);
  }

  #count(bytes: number): void {
    this.#waiting += bytes;
    this.#options.bytes.change(bytes);
  }
}
