import { subjectOf } from '../auth/networks.js';
import type { AnonymousPrincipal, AuthenticatedPrincipal } from '../auth/principal.js';
import type { Refusal } from '../errors/refusal.js';
import { limitsOf } from '../limits/bounds.js';
import { unitsIn } from '../limits/costUnits.js';
import { creationRefusal, creationSubject } from '../limits/keyCreation.js';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { peekAll } from '../limits/peekAll.js';
import { refusalOf, refuseTooCostly } from '../limits/refuse.js';
import { restOf } from '../limits/rest.js';
import { subjectOfKey } from '../limits/subjects.js';
import type { CostLimits } from '../limits/tiers.js';
import type { CompiledOperation } from './compiledOperation.js';
import { refuseExpensive } from './cost/refuseExpensive.js';
import type { Variables } from './cost/uses.js';

/** An operation to count. */
export interface Chargeable {
  readonly compiled: Pick<CompiledOperation, 'cost' | 'tokens' | 'category' | 'weighed'>;
  /** The variables that its cost depends on. */
  readonly variables: Variables;
  /** The cost in cost units, at least 1; null if limits in cost units don't apply. */
  readonly estimate: number | null;
  /** The cost units that are taken now; null in the same cases as the estimate. */
  readonly units: number | null;
  /** Whether one request was counted when it arrived. */
  readonly wasCounted: boolean;
  /** Whether the document was parsed for this request, instead of found in a cache. */
  readonly wasParsed: boolean;
}

/** The amounts that an operation takes from the windows. */
interface Amounts {
  readonly requests: number;
  /** In cost units. */
  readonly units: number;
}

/** The result of counting an operation. */
export interface Charge {
  /** null if the limits admitted it. */
  readonly refusal: Refusal | null;
  /** The windows of the key or of the caller's network; null if nothing was taken from them. */
  readonly admission: Admission | null;
  /** The windows of the workspace's new keys; null if the operation creates none. */
  readonly creation: Admission | null;
  /** Whether the request is counted. If false, it must still be counted as a failed request. */
  readonly isCounted: boolean;
}

const FREE: Charge = Object.freeze({ refusal: null, admission: null, creation: null, isCounted: true });

/**
 * Takes the cost of an operation from the windows of its key. An operation that creates keys takes these from its
 * workspace's windows first. Because of this order, an operation that is refused because of its new keys costs the key nothing, unless its
 * document had to be parsed.
 *
 * @throws Refusal UNAVAILABLE, or rejects with it, if the limits can't be checked
 */
export function chargeKey(
  limits: Limits,
  principal: AuthenticatedPrincipal,
  given: Chargeable,
): Charge | Promise<Charge> {
  return given.compiled.tokens > 0 ? chargeCreation(limits, principal, given) : chargeCost(limits, principal, given);
}

function chargeCost(limits: Limits, principal: AuthenticatedPrincipal, given: Chargeable): Charge | Promise<Charge> {
  const { cost, category } = given.compiled;
  const subject = subjectOfKey(principal, limits.tiers, category);
  const own = limitsOf(subject, limits.tiers);
  const expensive = own.cost === null ? null : refuseUnits(given, own.cost);
  if (expensive !== null) return expensive;
  const rest = given.wasCounted ? restOf(own, subject, cost) : cost;
  const { meters } = subject;
  const units = unitsIn(own, subject, given.units);
  if (rest === 0 && units === 0 && meters === undefined) return FREE;
  // On arrival, only the windows have counted a request.
  const counted = given.wasCounted && meters !== undefined ? { ...subject, metered: cost } : subject;
  const settle = (admission: Admission): Charge => chargeOf(admission, refusalOf(admission, cost, 'key', units));
  const admission = admit(limits, counted, { requests: rest, units }, given);
  return admission instanceof Promise ? admission.then(settle) : settle(admission);
}

/**
 * Refuses an operation whose cost is unknown or too high. It counts as one failed request, even if its document was cached: its
 * body and its variables were read, and no window is full, so a key could otherwise repeat it without a limit.
 */
function refuseUnits({ compiled, variables, estimate }: Chargeable, { max }: CostLimits): Charge | null {
  const refusal = estimate === null ? null : refuseExpensive({ compiled, variables, estimate }, max);
  return refusal && { refusal, admission: null, creation: null, isCounted: false };
}

async function chargeCreation(limits: Limits, principal: AuthenticatedPrincipal, given: Chargeable): Promise<Charge> {
  const { tokens } = given.compiled;
  const own = limitsOf(subjectOfKey(principal, limits.tiers), limits.tiers);
  const expensive = own.cost === null ? null : refuseUnits(given, own.cost);
  // Before the workspace's windows for new keys, which can't be given back.
  if (expensive !== null) return expensive;
  const creation = await limits.admit(creationSubject(principal), tokens);
  const refusal = creationRefusal(creation, tokens);
  if (refusal === null) return { ...(await chargeCost(limits, principal, given)), creation };
  const admission = {
    outcome: 'admitted',
    ...(await peekAll(limits, subjectOfKey(principal, limits.tiers))),
  } as const;
  return { refusal, admission, creation, isCounted: !given.wasParsed };
}

/**
 * Takes the cost of an anonymous operation.
 *
 * @throws Refusal UNAVAILABLE, or rejects with it, if the limits can't be checked
 */
export function chargeAnonymous(
  limits: Limits,
  principal: AnonymousPrincipal,
  given: Chargeable,
): Charge | Promise<Charge> {
  const { cost } = given.compiled;
  const own = limits.tiers.ANONYMOUS;
  const refusal = refuseTooCostly(own, cost);
  if (refusal !== null) return { ...FREE, refusal };
  const expensive = own.cost === null ? null : refuseUnits(given, own.cost);
  if (expensive !== null) return { ...expensive, isCounted: true };
  const subject = subjectOf(principal);
  if (subject === null) return FREE;
  const rest = given.wasCounted ? cost - 1 : cost;
  const units = unitsIn(own, subject, given.units);
  if (rest === 0 && units === 0) return FREE;
  const settle = (admission: Admission): Charge => chargeOf(admission, refusalOf(admission, cost, 'anonymous', units));
  const admission = limits.admit(subject, rest, units);
  return admission instanceof Promise ? admission.then(settle) : settle(admission);
}

function chargeOf(admission: Admission, refusal: Refusal | null): Charge {
  return { refusal, admission, creation: null, isCounted: true };
}

/**
 * Takes the cost of an operation. An operation that exceeds the limits by itself costs one request, like any other
 * failed request. The same is true for an operation that is refused temporarily, if its document was parsed: otherwise a key could cause
 * any number of
 * documents to be parsed. An operation that a quota or the cost windows refuse always does: no window of
 * requests is full, so the next body would be read, too. In these cases the limits are checked again, so that Retry-After includes this request.
 */
function admit(
  limits: Limits,
  subject: Subject,
  { requests, units }: Amounts,
  { wasCounted, wasParsed }: Chargeable,
): Admission | Promise<Admission> {
  const again = (first: Admission): Admission | Promise<Admission> => {
    if (wasCounted || first.outcome === 'admitted') return first;
    const isByRequests = first.outcome === 'refused' && first.quota === undefined && first.of !== 'cost';
    if (isByRequests && !wasParsed) return first;
    const taken = limits.admit({ ...subject, category: undefined, meters: undefined }, 1);
    if (taken instanceof Promise) {
      return taken.then((one) => (one.outcome === 'admitted' ? limits.admit(subject, requests, units) : first));
    }
    return taken.outcome === 'admitted' ? limits.admit(subject, requests, units) : first;
  };
  const admission = limits.admit(subject, requests, units);
  return admission instanceof Promise ? admission.then(again) : again(admission);
}
