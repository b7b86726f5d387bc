import { startService, type TestService, type TestServiceOptions } from '../support/service.js';

export const NOON = Date.UTC(2026, 2, 1, 12);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The service with its clock in the test's hand. */
export interface FrozenService extends TestService {
  /** The moment, in ms since the epoch. */
  readonly clock: { readonly now: number };
  /** Lets time pass: for expiry and for limits alike. */
  pass(ms: number): void;
}

export async function startFrozen(options: Omit<TestServiceOptions, 'now'> = {}): Promise<FrozenService> {
  const clock = { now: NOON };
  const service = await startService({ ...options, now: () => clock.now });
  return { ...service, clock, pass: (ms) => void (clock.now += ms) };
}

/** As GraphQL writes the moment. */
export function at(ms: number): string {
  return new Date(ms).toISOString();
}
