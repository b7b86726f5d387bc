import { categoryLimits } from './bounds.js';
import type { Category } from './category.js';
import { KEY_CREATION } from './keyCreation.js';
import type { Admission } from './limits.js';
import type { TierLimits, WindowLimits } from './tiers.js';
import { BURST_WINDOW, RATE_WINDOW, type WindowName, type WindowRoom } from './window.js';

/** Which header fields report a key's limits: those of the current draft, the three older ones, or all of them. */
export const RATE_LIMIT_HEADERS = ['draft', 'legacy', 'both'] as const;
export type RateLimitHeaders = (typeof RATE_LIMIT_HEADERS)[number];

/**
 * The fields of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers), and the three of its
 * first revisions. Those can describe one window only, so they describe the one that binds.
 */
export interface LimitFields {
  /**
   * All policies of the tier, `"burst";q=25;w=1, "rate";q=500;w=60`, and where it limits the operation's category those
   * too, `"write-burst";q=5;w=1, "write-rate";q=60;w=60`.
   */
  readonly 'RateLimit-Policy'?: string;
  /** The policy that binds, with its units left and whole seconds until one comes back: `"rate";r=473;t=12`. */
  readonly RateLimit?: string;
  /** Legacy: units that the binding window allows. */
  readonly 'RateLimit-Limit'?: string;
  /** Legacy: units left in it. */
  readonly 'RateLimit-Remaining'?: string;
  /** Legacy: whole seconds until a unit comes back; on a refusal the same as Retry-After; the window's length while nothing is used. */
  readonly 'RateLimit-Reset'?: string;
  /** Whole seconds, at least 1; on a refusal that a wait can cure, and only then. */
  readonly 'Retry-After'?: string;
}

type Policies = Partial<Record<Category | 'tier', string>>;

const policies = new WeakMap<TierLimits, Policies>();

/** The policy field of a tier's limits and a category's in it, built once for each record of limits. */
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

/** What the name of a window begins with where it is not the tier's own. */
type Named = Category | typeof KEY_CREATION;

function nameOf(window: WindowName, category: Named | undefined): string {
  return category === undefined ? window : `${category}-${window}`;
}

/**
 * The fields that tell a client how a request went. A request that can never pass gets no Retry-After: it would lie.
 * @param creation of the keys that the operation creates, where it creates some
 */
export function limitFields(
  admission: Admission,
  style: RateLimitHeaders = 'draft',
  creation: Admission | null = null,
): LimitFields {
  const own = bindingWindow(admission);
  const binding = creation === null || admission.outcome !== 'admitted' ? own : bindingWith(creation, own);
  const refused = [admission, creation].find((each) => each?.outcome === 'refused');
  const retryAfter = refused?.outcome === 'refused' ? String(wholeSeconds(refused.retryAfterMs)) : null;
  const policy = policyField(admission.limits, admission.categoryRoom?.category);
  return {
    ...(style !== 'legacy' && {
      'RateLimit-Policy': creation === null ? policy : `${policy}, ${policiesOf(creation.limits, KEY_CREATION)}`,
      RateLimit: told(nameOf(binding.window, binding.category), binding.room),
    }),
    ...(style !== 'draft' && legacyFields(binding, retryAfter)),
    ...(retryAfter !== null && { 'Retry-After': retryAfter }),
  };
}

interface Binding {
  readonly window: WindowName;
  readonly category: Named | undefined;
  readonly room: WindowRoom;
}

/** A client of these waits until Reset after a refusal: a time at which one unit is back, but not all of the cost, would refuse it again. */
function legacyFields({ window, room: { limit, remaining, returnsInMs } }: Binding, retryAfter: string | null) {
  const length = window === 'rate' ? RATE_WINDOW : BURST_WINDOW;
  return {
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': retryAfter ?? String(wholeSeconds(returnsInMs ?? length)),
  };
}

function bindingWindow(admission: Admission): Binding {
  const { room, categoryRoom } = admission;
  if (admission.outcome !== 'admitted') {
    const { window, category } = admission;
    return { window, category, room: (category && categoryRoom?.[window]) ?? room[window] };
  }
  // What is used up binds, a minute's before a second's; else the minute with the least room.
  const its = categoryRoom !== undefined && categoryRoom.rate.remaining < room.rate.remaining ? categoryRoom : null;
  const rate = its?.rate ?? room.rate;
  if (rate.remaining > 0) {
    if (room.burst.remaining === 0) return { window: 'burst', category: undefined, room: room.burst };
    if (categoryRoom?.burst.remaining === 0) {
      return { window: 'burst', category: categoryRoom.category, room: categoryRoom.burst };
    }
  }
  return { window: 'rate', category: its?.category, room: rate };
}

/** The binding window of an operation that creates keys. @param own the one that binds without them */
function bindingWith(creation: Admission, own: Binding): Binding {
  const { room } = creation;
  const at = (window: WindowName): Binding => ({ window, category: KEY_CREATION, room: room[window] });
  if (creation.outcome !== 'admitted') return at(creation.window);
  if (own.room.remaining === 0) return own;
  if (room.rate.remaining > 0 && room.burst.remaining === 0) return at('burst');
  return room.rate.remaining < own.room.remaining ? at('rate') : own;
}

function told(name: string, { remaining, returnsInMs }: WindowRoom): string {
  // Without anything used nothing comes back, and t=0 would read as "all of it comes back now".
  const t = returnsInMs === null ? '' : `;t=${wholeSeconds(returnsInMs)}`;
  return `"${name}";r=${remaining}${t}`;
}

/** Rounded up, since a client that comes a moment early is refused again; at least 1, since 0 invites a busy loop. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
