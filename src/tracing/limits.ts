import type { Limits } from '../limits/limits.js';
import type { Tracing } from './tracing.js';

/** The limits, each admission in a span of its own. */
export function tracedLimits(limits: Limits, tracing: Tracing): Limits {
  return {
    tiers: limits.tiers,
    admit: (subject, cost) => tracing.child('admit', () => limits.admit(subject, cost)),
    peek: (subject) => limits.peek(subject),
    close: () => limits.close(),
  };
}
