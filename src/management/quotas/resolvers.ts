import type { ActorContext } from '../../core/keys/actor.js';
import { NO_OVERRIDES } from '../../core/limits/overrides.js';
import { subjectOfKey, type Limited } from '../../core/limits/subjects.js';
import type { TierLimits, TierTable } from '../../core/limits/tiers.js';
import type { Meter } from '../../core/quotas/quotaMeter.js';
import type { Meters } from '../../core/quotas/meters.js';
import type { MeterState } from '../../core/quotas/meterState.js';
import type { Credits, Quota, QuotaSubject, Refill } from '../../core/quotas/quota.js';
import type { LimitOverride } from '../../core/store/records.js';
import { gathering } from '../keys/keyLoaders.js';
import type { LimitedSubject } from '../limits/subjectLimits.js';
import { SUBJECTS } from '../limits/findSubject.js';
import type { AddCreditsInput, CreditService } from './creditService.js';

interface QuotaResolverOptions {
  readonly credits: CreditService;
  readonly meters: Pick<Meters, 'read'>;
  readonly tiers: TierTable;
}

interface AddCreditsArguments {
  readonly input: Omit<AddCreditsInput, 'subject'> & { readonly subject: Uppercase<QuotaSubject> };
}

/** The resolvers of quotas and credits. */
export function quotaResolvers({ credits, meters, tiers }: QuotaResolverOptions) {
  // All keys of a page are read at once, and keys with common subjects once.
  const stateOf = gathering<Meter, MeterState>(
    async (_, wanted) => new Map((await meters.read(wanted)).map((state) => [state.meter.id, state])),
    ({ id }) => id,
  );
  const metersOf = (key: Limited, kind: Meter['kind'], of?: QuotaSubject): readonly Meter[] =>
    (subjectOfKey(key, tiers).meters ?? []).filter(
      (meter) => meter.kind === kind && (of === undefined || meter.subject === of),
    );
  const quotasOf = async (context: ActorContext, key: Limited, of?: QuotaSubject) => {
    const states = await Promise.all(metersOf(key, 'quota', of).map((meter) => stateOf(context, meter)));
    const overrides = key.overrides?.current() ?? NO_OVERRIDES;
    return states.flatMap((state) => (state === null ? [] : [shownQuota(state, overrides[state.meter.subject])]));
  };
  const balanceOf = async (context: ActorContext, key: Limited, of?: QuotaSubject) => {
    const [meter] = metersOf(key, 'credits', of);
    const state = meter === undefined ? null : await stateOf(context, meter);
    return state && shownBalance(state);
  };
  return {
    Mutation: {
      addCredits: (_: unknown, { input }: AddCreditsArguments, { principal, origin }: ActorContext) =>
        credits.add(principal, { ...input, subject: input.subject.toLowerCase() as QuotaSubject }, origin),
    },
    Limits: {
      quotas: (key: Limited, _: unknown, context: ActorContext) => quotasOf(context, key),
      credits: (key: Limited, _: unknown, context: ActorContext) => balanceOf(context, key),
    },
    SubjectLimits: {
      quotas: ({ kind, limited }: LimitedSubject, _: unknown, context: ActorContext) =>
        quotasOf(context, limited, SUBJECTS[kind]),
      credits: ({ kind, limited }: LimitedSubject, _: unknown, context: ActorContext) =>
        balanceOf(context, limited, SUBJECTS[kind]),
    },
    TierLimits: {
      quotas: ({ quotas }: TierLimits) => quotas.map(tierQuota),
      credits: ({ credits: of }: TierLimits) => of && tierCredits(of),
    },
  };
}

/** @param override of the subject; null if there is none */
function shownQuota({ meter, limit, used, remaining, resetsAt }: MeterState, override: LimitOverride | null) {
  const window = meter.kind === 'quota' ? inCapitals(meter.window) : null;
  const isOverridden = override !== null && override.quotas !== null;
  const source = isOverridden ? 'OVERRIDE' : 'TIER';
  const until = isOverridden ? override.until : null;
  return { ...unitAndSubject(meter), window, limit, used, remaining, resetsAt, source, until };
}

function shownBalance({ meter, remaining: balance, resetsAt: refillsAt }: MeterState) {
  const refill = meter.kind === 'credits' && meter.refill ? shownRefill(meter.refill) : null;
  return { ...unitAndSubject(meter), balance, refill, refillsAt };
}

/** Returns a quota as the schema shows it. */
export function tierQuota(quota: Quota) {
  const { window, limit } = quota;
  return { ...unitAndSubject(quota), window: inCapitals(window), limit, anchorDay: anchorOf(window, quota) };
}

function tierCredits(credits: Credits) {
  return { ...unitAndSubject(credits), refill: credits.refill && shownRefill(credits.refill) };
}

function shownRefill(refill: Refill) {
  return { amount: refill.amount, every: inCapitals(refill.every), anchorDay: anchorOf(refill.every, refill) };
}

function unitAndSubject({ unit, subject }: Pick<Quota, 'unit' | 'subject'>) {
  return { unit: inCapitals(unit), subject: inCapitals(subject) };
}

function anchorOf(window: Quota['window'], { anchorDay = 1 }: Pick<Quota, 'anchorDay'>): number | null {
  return window === 'month' ? anchorDay : null;
}

/** Returns a value as the schema names it. */
function inCapitals<Value extends string>(value: Value): Uppercase<Value> {
  return value.toUpperCase() as Uppercase<Value>;
}
