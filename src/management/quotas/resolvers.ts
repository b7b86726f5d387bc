import type { ActorContext } from '../../core/keys/actor.js';
import { subjectOfKey, type Limited } from '../../core/limits/subjects.js';
import type { TierLimits, TierTable } from '../../core/limits/tiers.js';
import type { Meter } from '../../core/quotas/quotaMeter.js';
import type { Meters } from '../../core/quotas/meters.js';
import type { MeterState } from '../../core/quotas/meterState.js';
import type { Credits, Quota, QuotaSubject, Refill } from '../../core/quotas/quota.js';
import { gathering } from '../keys/keyLoaders.js';
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
  const metersOfKey = (key: Limited, kind: Meter['kind']): readonly Meter[] =>
    (subjectOfKey(key, tiers).meters ?? []).filter((meter) => meter.kind === kind);
  return {
    Mutation: {
      addCredits: (_: unknown, { input }: AddCreditsArguments, { principal, origin }: ActorContext) =>
        credits.add(principal, { ...input, subject: input.subject.toLowerCase() as QuotaSubject }, origin),
    },
    Limits: {
      quotas: async (key: Limited, _: unknown, context: ActorContext) => {
        const states = await Promise.all(metersOfKey(key, 'quota').map((meter) => stateOf(context, meter)));
        return states.flatMap((state) => (state === null ? [] : [shownQuota(state)]));
      },
      credits: async (key: Limited, _: unknown, context: ActorContext) => {
        const [meter] = metersOfKey(key, 'credits');
        const state = meter === undefined ? null : await stateOf(context, meter);
        return state && shownBalance(state);
      },
    },
    TierLimits: {
      quotas: ({ quotas }: TierLimits) => quotas.map(tierQuota),
      credits: ({ credits: of }: TierLimits) => of && tierCredits(of),
    },
  };
}

function shownQuota({ meter, limit, used, remaining, resetsAt }: MeterState) {
  const window = meter.kind === 'quota' ? inCapitals(meter.window) : null;
  return { ...unitAndSubject(meter), window, limit, used, remaining, resetsAt };
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
