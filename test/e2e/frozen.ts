import { startService, type TestService, type TestServiceOptions } from '../support/service.js';

export const NOON = Date.UTC(2026, 2, 1, 12);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The service with a clock that the test controls. */
export interface FrozenService extends TestService {
  /** The time, in ms since the epoch. */
  readonly clock: { readonly now: number };
  /** Advances the clock, for expiry and for limits. */
  pass(ms: number): void;
}

export async function startFrozen(options: Omit<TestServiceOptions, 'now'> = {}): Promise<FrozenService> {
  const clock = { now: NOON };
  const service = await startService({ ...options, now: () => clock.now });
  return { ...service, clock, pass: (ms) => void (clock.now += ms) };
}

/** The time in GraphQL's format. */
export function at(ms: number): string {
  return new Date(ms).toISOString();
}
