import type { Limits } from '../../core/limits/limits.js';
import type { Tracing } from './tracing.js';

/** Wraps limits so that each admission has its own span. */
export function tracedLimits(limits: Limits, tracing: Tracing): Limits {
  return {
    tiers: limits.tiers,
    admit: (subject, requests, cost) => tracing.child('admit', () => limits.admit(subject, requests, cost)),
    peek: (subject, unit) => limits.peek(subject, unit),
    giveBack: (admission, cost) => limits.giveBack?.(admission, cost),
    close: () => limits.close(),
  };
}
