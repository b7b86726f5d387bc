import { unavailable } from '../errors/refusal.js';
import type { Admission, Judged, Limits, Subject, Unit } from '../limits/limits.js';
import { peekAll } from '../limits/peekAll.js';
import type { Room } from '../limits/window.js';
import type { Meters } from './meters.js';
import type { Amounts, MeterState, Taken, TooFew } from './meterState.js';
import { quotaRefusal, type QuotaStatus } from './quotaRefusal.js';

interface QuotaLimitsOptions {
  readonly windows: Limits;
  readonly meters: Pick<Meters, 'take'>;
  readonly status: () => QuotaStatus;
}

/**
 * Takes quotas and credits in the same step as the windows of other limits: all of them, or none. The quotas come first, because
 * units that this process has are taken and given back without a call.
 */
export class QuotaLimits implements Limits {
  readonly #windows: Limits;
  readonly #options: QuotaLimitsOptions;

  constructor(options: QuotaLimitsOptions) {
    this.#windows = options.windows;
    this.#options = options;
  }

  get tiers(): Limits['tiers'] {
    return this.#windows.tiers;
  }

  /** @throws Refusal UNAVAILABLE, or rejects with it, if the quotas can't be checked */
  admit(subject: Subject, requests = 1, cost = 0): Admission | Promise<Admission> {
    const { meters, metered = requests } = subject;
    if (meters === undefined) return this.#windows.admit(subject, requests, cost);
    const amounts = { requests, cost };
    const taken = this.#options.meters.take(meters, { requests: metered, cost });
    if (!(taken instanceof Promise)) return this.#admit(subject, amounts, taken);
    return taken.then(
      (late) => this.#admit(subject, amounts, late),
      (error: unknown) => {
        throw uncounted(error);
      },
    );
  }

  peek(subject: Subject, unit?: Unit): Room | Promise<Room> {
    return this.#windows.peek(subject, unit);
  }

  giveBack(admission: Admission, cost: number): void {
    if (admission.outcome === 'admitted') admission.quotasTaken?.giveBackCost(cost);
    this.#windows.giveBack?.(admission, cost);
  }

  close(): void | Promise<void> {
    return this.#windows.close();
  }

  #admit(subject: Subject, amounts: Amounts, taken: Taken | TooFew): Admission | Promise<Admission> {
    if (taken.outcome === 'refused') return this.#refused(subject, amounts, taken.state);
    const settle = (admission: Admission): Admission => {
      if (admission.outcome === 'admitted') return { quotas: taken.states, quotasTaken: taken, ...admission };
      taken.giveBack();
      return { quotas: taken.states, ...admission };
    };
    const fail = (error: unknown): never => {
      taken.giveBack();
      throw error;
    };
    let admission: Admission | Promise<Admission>;
    try {
      admission = this.#admitToWindows(subject, amounts);
    } catch (error) {
      return fail(error);
    }
    return admission instanceof Promise ? admission.then(settle, fail) : settle(admission);
  }

  #admitToWindows(subject: Subject, { requests, cost }: Amounts): Admission | Promise<Admission> {
    if (requests > 0 || cost > 0) return this.#windows.admit(subject, requests, cost);
    const settle = (judged: Judged): Admission => ({ outcome: 'admitted', ...judged });
    const judged = peekAll(this.#windows, subject);
    return judged instanceof Promise ? judged.then(settle) : settle(judged);
  }

  /** Reads the windows, for the header fields. */
  #refused(subject: Subject, amounts: Amounts, state: MeterState): Admission | Promise<Admission> {
    const { unit } = state.meter;
    const needed = unit === 'requests' ? (subject.metered ?? amounts.requests) : amounts.cost;
    const refusal = quotaRefusal(state, needed, this.#options.status());
    const settle = (judged: Judged): Admission => ({
      ...judged,
      outcome: 'refused',
      window: 'rate',
      limit: judged.limits.rate,
      retryAfterMs: state.resetsInMs ?? Infinity,
      quota: { state, refusal },
      quotas: [state],
    });
    const judged = peekAll(this.#windows, subject);
    return judged instanceof Promise ? judged.then(settle) : settle(judged);
  }
}

function uncounted(cause: unknown): Error {
  return unavailable('The quotas cannot be checked at the moment. Try again in 1 s.', 1, cause);
}
