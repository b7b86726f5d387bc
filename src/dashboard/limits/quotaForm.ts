import type { OverrideFragment, QuotaInput, QuotaUnit, QuotaWindow } from '../generated/graphql.js';
import { wholeNumber } from './wholeNumber.js';

/** A quota as it is typed. */
export interface TypedQuota {
  /** Identifies the row, because two rows can have the same values. */
  readonly row: number;
  readonly window: QuotaWindow;
  readonly unit: QuotaUnit;
  /** Empty means unlimited. */
  readonly limit: string;
  /** The day on which months begin. Empty: the first. */
  readonly anchorDay: string;
}

/** The maximum number of quotas of a subject. */
export const MAX_QUOTAS = 12;

export const NEW_QUOTA: Omit<TypedQuota, 'row'> = { window: 'MONTH', unit: 'REQUESTS', limit: '', anchorDay: '' };

/** Returns the quotas of an override as they are typed; null if the tier's quotas apply. */
export function typedQuotas(quotas: OverrideFragment['quotas'] | undefined): readonly TypedQuota[] | null {
  if (quotas == null) return null;
  return quotas.map(({ window, unit, limit, anchorDay }, row) => ({
    ...{ row, window, unit },
    limit: limit === null ? '' : String(limit),
    anchorDay: anchorDay === null ? '' : String(anchorDay),
  }));
}

/** The errors of the fields of a quota. */
interface QuotaFaults {
  readonly limit?: string;
  readonly anchorDay?: string;
  readonly window?: string;
}

/** Returns the faults of a quota among all that are typed. */
export function faultsOf(quota: TypedQuota, all: readonly TypedQuota[]): QuotaFaults {
  const { window, unit, limit, anchorDay, row } = quota;
  const isRepeated = all.some((each) => each.row < row && each.window === window && each.unit === unit);
  return {
    ...(limit.trim() !== '' && wholeNumber(limit) === null && { limit: 'Enter a whole number of at least 1.' }),
    ...(window === 'MONTH' &&
      anchorDay.trim() !== '' &&
      !isDay(anchorDay) && { anchorDay: 'Enter a day from 1 to 31.' }),
    ...(isRepeated && { window: 'Another quota has this period and unit.' }),
  };
}

function isDay(text: string): boolean {
  const day = wholeNumber(text);
  return day !== null && day <= 31;
}

/** Returns quotas without faults as the API takes them. */
export function quotaInputs(quotas: readonly TypedQuota[]): QuotaInput[] {
  return quotas.map(({ window, unit, limit, anchorDay }) => ({
    ...{ window, unit, limit: wholeNumber(limit) },
    ...(window === 'MONTH' && anchorDay.trim() !== '' && { anchorDay: Number(anchorDay) }),
  }));
}
