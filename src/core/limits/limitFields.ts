import type { MeterState } from '../quotas/meterState.js';
import { bindingQuota, nameOfMeter, quotaPolicies } from '../quotas/quotaFields.js';
import { categoryLimits } from './bounds.js';
import type { Category } from './category.js';
import { KEY_CREATION } from './keyCreation.js';
import { VERIFICATION } from './verificationLimits.js';
import type { Admission, OtherRoom, WindowsOf } from './limits.js';
import type { TierLimits, WindowLimits } from './tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type WindowName, type WindowRoom } from './window.js';

/**
 * The header fields that report rate limits: those of the current IETF draft, the three of its first revisions, or all
 * of them.
 */
export const RATE_LIMIT_HEADERS = ['draft', 'legacy', 'both'] as const;
/**
 * Which header fields report rate limits.
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore, type RateLimitHeaders } from 'latchkey';
 *
 * const rateLimitHeaders: RateLimitHeaders = 'both';
 * export const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }), rateLimitHeaders });
 * ```
 */
export type RateLimitHeaders = (typeof RATE_LIMIT_HEADERS)[number];

/**
 * The fields of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers), and the three
 * of its first revisions. These fields can describe only one window, so they describe the one with the least room.
 */
export interface LimitFields {
  /**
   * All windows of the key, `"burst";q=25;w=1, "rate";q=500;w=60`, those of the operation's category if the tier limits it,
   * `"write-burst";q=5;w=1, "write-rate";q=60;w=60`, those that the key shares with other keys of its owner, project or
   * workspace, `"owner-burst";q=50;w=1, "owner-rate";q=1000;w=60`, and those of the cost, `"cost-burst"` and `"cost-rate"`.
   */
  readonly 'RateLimit-Policy'?: string;
  /**
   * The window with the least room, the units left in it and the whole seconds until the next one is free:
   * `"rate";r=473;t=12`.
   */
  readonly RateLimit?: string;
  /** The limit of the window with the least room (first revisions). */
  readonly 'RateLimit-Limit'?: string;
  /** The units left in that window (first revisions). */
  readonly 'RateLimit-Remaining'?: string;
  /**
   * The whole seconds until a unit is free (first revisions). After a rejection the same as Retry-After; the length of
   * the window if nothing is used.
   */
  readonly 'RateLimit-Reset'?: string;
  /** In whole seconds, at least 1. Only after a rejection, and only if waiting helps. */
  readonly 'Retry-After'?: string;
}

type Policies = Partial<Record<Category | 'tier', string>>;

const policies = new WeakMap<TierLimits, Policies>();

/** Returns the RateLimit-Policy field for a tier and a category. Cached for each record of limits. */
export function policyField(limits: TierLimits, category?: Category): string {
  let known = policies.get(limits);
  if (known === undefined) policies.set(limits, (known = {}));
  return (known[category ?? 'tier'] ??= built(limits, category));
}

function built(limits: TierLimits, category: Category | undefined): string {
  const own = policiesOf(limits);
  const ofCategory = categoryLimits(limits, category);
  return ofCategory === undefined ? own : `${own}, ${policiesOf(ofCategory, category)}`;
}

function policiesOf({ rate, burst }: WindowLimits, category?: Named): string {
  const [burstName, rateName] = [nameOf('burst', category), nameOf('rate', category)];
  return `"${burstName}";q=${burst};w=${BURST_WINDOW / 1000}, "${rateName}";q=${rate};w=${RATE_WINDOW / 1000}`;
}

/** The policies of pairs of windows that belong to no tier. */
const otherPolicies = new Map<string, string>();
const MAX_POLICIES = 1_000;

function policyOfOther({ of, rate, burst }: OtherRoom): string {
  const key = `${of} ${rate.limit} ${burst.limit}`;
  let policy = otherPolicies.get(key);
  if (policy === undefined) {
    policy = policiesOf({ rate: rate.limit, burst: burst.limit }, of);
    if (otherPolicies.size < MAX_POLICIES) otherPolicies.set(key, policy);
  }
  return policy;
}

/** Returns the RateLimit-Policy field of an admission. */
function policyOf({ limits, categoryRoom, otherRooms, quotas }: Admission): string {
  let policy = policyField(limits, categoryRoom?.category);
  if (otherRooms !== undefined) for (const other of otherRooms) policy += `, ${policyOfOther(other)}`;
  return quotas === undefined ? policy : policy + quotaPolicies(quotas);
}

/** The prefix of a window's name. The key's own windows have none. */
type Named = Category | WindowsOf | typeof KEY_CREATION | typeof VERIFICATION;

function nameOf(window: WindowName, category: Named | undefined): string {
  return category === undefined ? window : `${category}-${window}`;
}

/**
 * Returns the header fields that report the rate limits of a request. An operation that can never fit gets no
 * Retry-After.
 *
 * @param creation the admission of the keys that the operation creates; null if it creates none
 */
export function limitFields(
  admission: Admission,
  style: RateLimitHeaders = 'draft',
  creation: Admission | null = null,
): LimitFields {
  const own = bindingLimit(admission);
  // Nearly all responses.
  if (creation === null && admission.outcome === 'admitted' && style === 'draft') {
    return { 'RateLimit-Policy': policyOf(admission), RateLimit: toldOf(own) };
  }
  const binding = creation === null || admission.outcome !== 'admitted' ? own : bindingWith(creation, own);
  const refused = [admission, creation].find((each) => each?.outcome === 'refused');
  const retryAfter = refused?.outcome === 'refused' ? retryAfterOf(refused) : null;
  const policy = policyOf(admission);
  return {
    ...(style !== 'legacy' && {
      'RateLimit-Policy': creation === null ? policy : `${policy}, ${policiesOf(creation.limits, KEY_CREATION)}`,
      RateLimit: toldOf(binding),
    }),
    ...(style !== 'draft' && legacyFields(binding, retryAfter)),
    ...(retryAfter !== null && { 'Retry-After': retryAfter }),
  };
}

/** Returns the header fields that report the limit on verified tokens. */
export function verificationFields(admission: Admission, style: RateLimitHeaders = 'draft'): LimitFields {
  const binding: Binding = { ...bindingWindow(admission), category: VERIFICATION };
  const retryAfter = admission.outcome === 'refused' ? String(wholeSeconds(admission.retryAfterMs)) : null;
  return {
    ...(style !== 'legacy' && {
      'RateLimit-Policy': policiesOf(admission.limits, VERIFICATION),
      RateLimit: told(nameOf(binding.window, VERIFICATION), binding.room),
    }),
    ...(style !== 'draft' && legacyFields(binding, retryAfter)),
    ...(retryAfter !== null && { 'Retry-After': retryAfter }),
  };
}

interface Binding {
  readonly window: WindowName;
  readonly category: Named | undefined;
  /** The name of a quota. Default: the name of the window. */
  readonly name?: string;
  readonly room: WindowRoom;
}

/**
 * Clients of the first revisions wait until Reset. One free unit may not be enough for the whole cost, so after a
 * rejection Reset is the same as Retry-After.
 */
function legacyFields({ window, room: { limit, remaining, returnsInMs } }: Binding, retryAfter: string | null) {
  const length = window === 'rate' ? RATE_WINDOW : BURST_WINDOW;
  return {
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': retryAfter ?? String(wholeSeconds(returnsInMs ?? length)),
  };
}

/** Returns Retry-After; null if waiting does not help. */
function retryAfterOf({ retryAfterMs, quota }: Extract<Admission, { outcome: 'refused' }>): string | null {
  if (quota === undefined) return String(wholeSeconds(retryAfterMs));
  const { details } = quota.refusal;
  return 'retryAfter' in details ? String(details.retryAfter) : null;
}

/** Returns the window or the quota that is exhausted first. */
function bindingLimit(admission: Admission): Binding {
  const { quotas } = admission;
  if (quotas === undefined) return bindingWindow(admission);
  if (admission.outcome === 'refused' && admission.quota !== undefined) return bindingOfQuota(admission.quota.state);
  const own = bindingWindow(admission);
  const quota = admission.outcome === 'admitted' ? bindingQuota(quotas, own.room) : null;
  return quota === null ? own : bindingOfQuota(quota);
}

function bindingOfQuota({ meter, limit, remaining, resetsInMs }: MeterState): Binding {
  const room = { limit: limit ?? remaining, remaining, returnsInMs: resetsInMs };
  return { window: 'rate', category: undefined, name: nameOfMeter(meter), room };
}

function bindingWindow(admission: Admission): Binding {
  const { room, categoryRoom, otherRooms } = admission;
  if (admission.outcome !== 'admitted') {
    const { window, category, of } = admission;
    const other = of === undefined ? undefined : otherRooms?.find((each) => each.of === of);
    const its = other ?? (category === undefined ? undefined : categoryRoom) ?? room;
    return { window, category: of ?? category, room: its[window] };
  }
  // A window without room comes first, the rate before the burst. Otherwise it is the rate with the least room.
  let rate: Binding = { window: 'rate', category: undefined, room: room.rate };
  if (categoryRoom !== undefined && isTighter(categoryRoom.rate, rate.room)) {
    rate = { window: 'rate', category: categoryRoom.category, room: categoryRoom.rate };
  }
  if (otherRooms !== undefined) {
    for (const other of otherRooms) {
      const isTight = other.of === 'cost' ? isFuller(other.rate, rate.room) : isTighter(other.rate, rate.room);
      if (isTight) rate = { window: 'rate', category: other.of, room: other.rate };
    }
  }
  return rate.room.remaining > 0 ? (usedUpBurst(admission) ?? rate) : rate;
}

function usedUpBurst({ room, categoryRoom, otherRooms }: Admission): Binding | null {
  if (room.burst.remaining === 0) return { window: 'burst', category: undefined, room: room.burst };
  if (categoryRoom?.burst.remaining === 0) {
    return { window: 'burst', category: categoryRoom.category, room: categoryRoom.burst };
  }
  const other = otherRooms?.find(({ burst }) => burst.remaining === 0);
  return other === undefined ? null : { window: 'burst', category: other.of, room: other.burst };
}

function isTighter(one: WindowRoom, other: WindowRoom): boolean {
  return one.remaining < other.remaining;
}

/** Like {@link isTighter}, for windows that count different units: compares the remaining shares of their limits. */
function isFuller(one: WindowRoom, other: WindowRoom): boolean {
  return one.remaining * other.limit < other.remaining * one.limit;
}

/**
 * Returns the window with the least room for an operation that creates keys.
 *
 * @param own the window with the least room among the others
 */
function bindingWith(creation: Admission, own: Binding): Binding {
  const { room } = creation;
  const at = (window: WindowName): Binding => ({ window, category: KEY_CREATION, room: room[window] });
  if (creation.outcome !== 'admitted') return at(creation.window);
  if (own.room.remaining === 0) return own;
  if (room.rate.remaining > 0 && room.burst.remaining === 0) return at('burst');
  return room.rate.remaining < own.room.remaining ? at('rate') : own;
}

function toldOf({ name, window, category, room }: Binding): string {
  return told(name ?? nameOf(window, category), room);
}

function told(name: string, { remaining, returnsInMs }: WindowRoom): string {
  // If nothing is used, t is omitted: t=0 would mean that all units become free now.
  const t = returnsInMs === null ? '' : `;t=${wholeSeconds(returnsInMs)}`;
  return `"${name}";r=${remaining}${t}`;
}

/**
 * Rounds up, because a client that is a moment too early is rejected again. At least 1, because 0 would make clients
 * retry in a loop.
 */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
