import { performance } from 'node:perf_hooks';
import { startService, type TestService, type TestServiceOptions } from '../support/service.js';

export const NOON = Date.UTC(2026, 2, 1, 12);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The service with both of its clocks in the test's hand: that of the keys and the one that the limits count by. */
export interface FrozenService extends TestService {
  /** The moment, in ms since the epoch. */
  readonly clock: { readonly now: number };
  /** Lets time pass: for expiry and for limits alike. */
  pass(ms: number): void;
}

export async function startFrozen(options: Omit<TestServiceOptions, 'now'> = {}): Promise<FrozenService> {
  const clock = { now: NOON };
  const started = Math.floor(performance.now());
  // The limits count by this clock and not by the wall's, which jumps; here both are one.
  performance.now = () => started + clock.now - NOON;
  const release = (): void => void Reflect.deleteProperty(performance, 'now');
  try {
    const service = await startService({ ...options, now: () => clock.now });
    return {
      ...service,
      clock,
      pass: (ms) => void (clock.now += ms),
      close: async () => {
        release();
        await service.close();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** As GraphQL writes the moment. */
export function at(ms: number): string {
  return new Date(ms).toISOString();
}
