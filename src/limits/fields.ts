import type { Admission } from './limits.js';
import type { TierLimits } from './tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type WindowName, type WindowRoom } from './window.js';

/**
 * The fields of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers). Its three older
 * fields RateLimit-Limit, -Remaining and -Reset are not sent: one request with two windows cannot be told in them.
 */
export interface LimitFields {
  /** All policies of the tier, `"burst";q=25;w=1, "rate";q=500;w=60`. */
  readonly 'RateLimit-Policy': string;
  /** The policy that binds, with its units left and whole seconds until one comes back: `"rate";r=473;t=12`. */
  readonly RateLimit: string;
  /** Whole seconds, at least 1; on a refusal that a wait can cure, and only then. */
  readonly 'Retry-After'?: string;
}

const policies = new WeakMap<TierLimits, string>();

/** The policy field of a tier's limits, built once for each record of limits. */
export function policyField(limits: TierLimits): string {
  const known = policies.get(limits);
  if (known !== undefined) return known;
  const built = `"burst";q=${limits.burst};w=${BURST_WINDOW / 1000}, "rate";q=${limits.rate};w=${RATE_WINDOW / 1000}`;
  policies.set(limits, built);
  return built;
}

/** The fields that tell a client how a request went. A request that can never pass gets no Retry-After: it would lie. */
export function limitFields(admission: Admission): LimitFields {
  const name = binding(admission);
  const policy = policyField(admission.limits);
  const limit = limitField(name, admission.room[name]);
  if (admission.outcome !== 'refused') return { 'RateLimit-Policy': policy, RateLimit: limit };
  const retryAfter = String(wholeSeconds(admission.retryAfterMs));
  return { 'RateLimit-Policy': policy, RateLimit: limit, 'Retry-After': retryAfter };
}

function binding(admission: Admission): WindowName {
  const { limits, room } = admission;
  switch (admission.outcome) {
    case 'refused':
      return admission.window;
    case 'never':
      return limits.burst <= limits.rate ? 'burst' : 'rate';
    case 'admitted':
      return room.burst.remaining === 0 && room.rate.remaining > 0 ? 'burst' : 'rate';
  }
}

function limitField(name: WindowName, room: WindowRoom): string {
  // Without anything used nothing comes back, and t=0 would read as "all of it comes back now".
  const t = room.returnsInMs === null ? '' : `;t=${wholeSeconds(room.returnsInMs)}`;
  return `"${name}";r=${room.remaining}${t}`;
}

/** Rounded up, since a client that comes a moment early is refused again; at least 1, since 0 invites a busy loop. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
