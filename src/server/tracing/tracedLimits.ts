import type { Limits } from '../../core/limits/limits.js';
import type { Tracing } from './tracing.js';

/** Wraps limits so that each admission has its own span. */
export function tracedLimits(limits: Limits, tracing: Tracing): Limits {
  return {
    tiers: limits.tiers,
    admit: (subject, cost) => tracing.child('admit', () => limits.admit(subject, cost)),
    peek: (subject) => limits.peek(subject),
    close: () => limits.close(),
  };
}
