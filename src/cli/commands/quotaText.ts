/** A quota of a tier or of an override. */
export interface TierQuota {
  readonly window: string;
  readonly unit: string;
  /** null if unlimited. */
  readonly limit: number | null;
  readonly anchorDay: number | null;
}

export interface TierCredits {
  readonly unit: string;
  readonly subject: string;
  readonly refill: { readonly amount: number; readonly every: string; readonly anchorDay: number | null } | null;
}

export interface TierCost {
  readonly max: number;
  readonly perMinute: number;
  readonly perSecond: number;
}

/** Returns a quota as text, such as `100000/month from day 15`. */
export function quotaName({
  window,
  unit = 'REQUESTS',
  limit,
  anchorDay,
}: Omit<TierQuota, 'unit'> & { readonly unit?: string }): string {
  const units = unit === 'COST' ? ' cost units' : '';
  const from = anchorDay === null || anchorDay === 1 ? '' : ` from day ${anchorDay}`;
  return `${limit ?? 'unlimited'}${units}/${window.toLowerCase()}${from}`;
}

/** Returns the credits of a tier as text, such as `owner, raised to 1000/month`. */
export function creditsName({ unit, subject, refill }: TierCredits): string {
  const of = `${subject.toLowerCase()}${unit === 'COST' ? ' cost units' : ''}`;
  if (refill === null) return `${of}, prepaid`;
  const { amount: limit, every: window, anchorDay } = refill;
  return `${of}, raised to ${quotaName({ window, limit, anchorDay })}`;
}

/** Returns the limits of the cost as text, such as `500/operation 5000/min 900/s`. */
export function costName({ max, perMinute, perSecond }: TierCost): string {
  return `${max}/operation ${perMinute}/min ${perSecond}/s`;
}
