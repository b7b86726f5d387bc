import { deadline } from '../../core/util/deadline.js';
import { checkAmounts } from '../../core/limits/bounds.js';
import type { Admission, Limits, Subject, Unit } from '../../core/limits/limits.js';
import { saysTheSame, TIER_LIMITS, type LimitedAs, type TierLimits, type TierTable } from '../../core/limits/tiers.js';
import type { Room } from '../../core/limits/window.js';
import { unavailable } from '../../core/errors/refusal.js';
import type { Answer, Answers, Ask, Asks, GivenBack } from './messages.js';

/** The timeout for the primary, in ms. It counts in memory, so a longer wait means that it no longer responds. */
const TIMEOUT = 2_000;

/** The maximum number of unanswered questions. Limits the memory that a hanging primary costs. */
const MAX_PENDING = 10_000;

const CLOSED = 'The limits are closed.';

export interface RemoteLimitsOptions {
  /** Sends to the primary. @param failed called if the message did not arrive, immediately or later */
  readonly send: (message: Asks, failed: (cause: Error) => void) => void;
  /** The table of the primary, whose replies decide. Default: the published table. */
  readonly tiers?: TierTable;
  /** In ms. Default: 2,000. */
  readonly timeout?: number;
  /** Default: 10,000. */
  readonly maxPending?: number;
}

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Sent {
  readonly waiting: readonly Waiting[];
  readonly timer: NodeJS.Timeout;
}

/**
 * Limits that the primary counts for all its workers. Without its reply, nothing is admitted. Units that the primary
 * may have taken are then lost for the key, so the limit is never exceeded.
 */
export class RemoteLimits implements Limits {
  readonly tiers: TierTable;
  readonly #send: RemoteLimitsOptions['send'];
  readonly #timeout: number;
  readonly #maxPending: number;
  readonly #limits = new Map<LimitedAs, TierLimits>();
  readonly #sent = new Map<number, Sent>();
  #gathered: Waiting[] = [];
  #givenBack: GivenBack[] = [];
  #pending = 0;
  #batch = 0;
  #closed = false;

  constructor({ send, tiers = TIER_LIMITS, timeout = TIMEOUT, maxPending = MAX_PENDING }: RemoteLimitsOptions) {
    this.tiers = tiers;
    this.#send = send;
    this.#timeout = timeout;
    this.#maxPending = maxPending;
  }

  async admit(subject: Subject, requests = 1, cost = 0): Promise<Admission> {
    checkAmounts(requests, cost);
    const admission = (await this.#ask({ ...subject, requests, ...(cost > 0 && { cost }) })) as Admission;
    return { ...admission, limits: subject.limits ?? this.#sameLimits(subject.tier, admission.limits) };
  }

  async peek(subject: Subject, unit: Unit = 'requests'): Promise<Room> {
    return (await this.#ask({ ...subject, requests: null, unit })) as Room;
  }

  giveBack(admission: Admission, cost: number): void {
    checkAmounts(0, cost);
    if (this.#closed || admission.outcome !== 'admitted' || admission.costTaken === undefined) return;
    this.#plan();
    this.#givenBack.push({ costTaken: admission.costTaken, cost });
  }

  /** Handles answers of the primary. Late responses are ignored. */
  receive({ batch, answers }: Answers): void {
    const waiting = this.#settle(batch);
    waiting.forEach(({ resolve, reject }, i) => {
      const answer = answers[i] ?? null;
      if (answer === null) reject(notCounted(new Error('The primary could not check the limits.')));
      else resolve(answer);
    });
  }

  /** Refuses waiting and future requests. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const batch of [...this.#sent.keys()]) this.#fail(batch, new Error(CLOSED));
    for (const { reject } of this.#gathered.splice(0)) reject(notCounted(new Error(CLOSED)));
  }

  #ask(ask: Ask): Promise<Answer> {
    if (this.#closed) return Promise.reject(notCounted(new Error(CLOSED)));
    if (this.#pending >= this.#maxPending) {
      return Promise.reject(notCounted(new Error(`${this.#pending} requests are already waiting for the primary.`)));
    }
    this.#pending += 1;
    this.#plan();
    return new Promise((resolve, reject) => this.#gathered.push({ ask, resolve, reject }));
  }

  /** Call it before something is gathered. */
  #plan(): void {
    // Not a microtask, because microtasks run after each socket read, and each request would be sent separately.
    if (this.#gathered.length === 0 && this.#givenBack.length === 0) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#gathered;
    const givenBack = this.#givenBack;
    if (waiting.length === 0 && givenBack.length === 0) return;
    this.#gathered = [];
    this.#givenBack = [];
    const batch = this.#batch++;
    const timer = deadline(this.#timeout, () => {
      this.#fail(batch, new Error(`The primary did not answer within ${this.#timeout} ms.`));
    });
    this.#sent.set(batch, { waiting, timer });
    const asks = waiting.map(({ ask }) => ask);
    this.#send({ kind: 'asks', batch, asks, ...(givenBack.length > 0 && { givenBack }) }, (cause) =>
      this.#fail(batch, cause),
    );
  }

  #fail(batch: number, cause: Error): void {
    for (const { reject } of this.#settle(batch)) reject(notCounted(cause));
  }

  /** @returns the removed waiters of the batch; none if it is already settled */
  #settle(batch: number): readonly Waiting[] {
    const sent = this.#sent.get(batch);
    if (sent === undefined) return [];
    this.#sent.delete(batch);
    clearTimeout(sent.timer);
    this.#pending -= sent.waiting.length;
    return sent.waiting;
  }

  /** Reuses the record of a tier while its values are the same, because its identity is a cache key. */
  #sameLimits(tier: LimitedAs, limits: TierLimits): TierLimits {
    const known = this.#limits.get(tier);
    if (known !== undefined && saysTheSame(known, limits)) return known;
    this.#limits.set(tier, limits);
    return limits;
  }
}

function notCounted(cause: Error): Error {
  return unavailable('The rate limits cannot be checked at the moment. Try again in 1 s.', 1, cause);
}
