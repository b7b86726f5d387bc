import { useEffect, useState } from 'react';
import type { Fault } from './apiFault.js';

/** The first wait before a request is repeated, in ms. It doubles with each failure. */
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 30_000;
/** The longest timer of browsers, in ms. A longer one fires immediately. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Repeats a failed request if that can help: when the rate limit has room again, or the server responds again. Other errors stay.
 *
 * @param fault of the last request; null if it succeeded, or is being sent
 * @returns when the request is repeated, in ms since the epoch; null means never
 */
export function useAgain(fault: Fault | null, ask: () => void): number | null {
  const [{ failures, of, at }, setPlan] = useState<Plan>(NONE);
  if (of !== fault) setPlan((plan) => planFor(plan, fault));

  useEffect(() => {
    if (at === null) return undefined;
    const timer = setTimeout(ask, Math.min(Math.max(0, at - Date.now()), LONGEST_TIMER));
    // A laptop that is online again does not wait any longer.
    if (failures > 0) addEventListener('online', ask);
    return () => {
      clearTimeout(timer);
      removeEventListener('online', ask);
    };
  }, [at, failures, ask]);
  return at;
}

interface Plan {
  readonly of: Fault | null;
  readonly at: number | null;
  /** Requests in a row without a response. */
  readonly failures: number;
}

const NONE: Plan = { of: null, at: null, failures: 0 };

function planFor({ failures }: Plan, fault: Fault | null): Plan {
  switch (fault?.kind) {
    case undefined:
      return { of: null, at: null, failures };
    case 'limited':
    case 'unavailable':
      return { of: fault, at: fault.at + fault.retryAfter * 1_000, failures: 0 };
    case 'offline':
      return {
        of: fault,
        at: fault.at + Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures),
        failures: failures + 1,
      };
    case 'signedOut':
    case 'forbidden':
    case 'refused':
    case 'failed':
      return { of: fault, at: null, failures: 0 };
  }
}
