import { useEffect, useState } from 'react';
import type { Fault } from './fault.js';

/** In ms: between two questions to a server that does not answer. Doubled with each one that fails. */
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 30_000;
/** A timer that is set for longer fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Asks again by itself where that can help: when room comes back, or the server does. What was refused for good is left.
 *
 * @param fault of the last question; null: it was answered, or is under way
 * @returns the moment of the next question, in ms since the epoch; null: there will be none
 */
export function useAgain(fault: Fault | null, ask: () => void): number | null {
  const [{ failures, of, at }, setPlan] = useState<Plan>(NONE);
  if (of !== fault) setPlan((plan) => planFor(plan, fault));

  useEffect(() => {
    if (at === null) return undefined;
    const timer = setTimeout(ask, Math.min(Math.max(0, at - Date.now()), LONGEST_TIMER));
    // A laptop that was opened need not wait for the rest.
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
  /** Questions in a row that nothing answered. */
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
