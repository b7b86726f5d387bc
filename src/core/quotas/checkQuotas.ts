import { checkNames, isPlainObject, optionError } from '../../shared/optionChecks.js';
import { MAX_BALANCE } from '../store/quotaStore.js';
import {
  QUOTA_SUBJECTS,
  QUOTA_UNITS,
  QUOTA_WINDOWS,
  type Credits,
  type Quota,
  type QuotaWindow,
  type Refill,
} from './quota.js';

/** The maximum number of quotas of one tier. An operation is taken from each of them. */
const MAX_QUOTAS = 12;

/**
 * Returns a frozen copy of quotas.
 *
 * @param path of the list, for errors
 * @throws TypeError that names the first invalid field
 */
export function checkedQuotas(path: string, quotas: unknown): readonly Quota[] {
  if (!Array.isArray(quotas) || quotas.length > MAX_QUOTAS) {
    throw optionError(path, quotas, `a list of at most ${MAX_QUOTAS} quotas`);
  }
  const checked = quotas.map((quota, index) => checkedQuota(`${path}[${index}]`, quota));
  checked.forEach((quota, index) => {
    if (checked.findIndex((other) => isSameCounter(other, quota)) < index) {
      throw new TypeError(`${path}[${index}] has the window, unit and subject of another quota. Remove one of them.`);
    }
  });
  return Object.freeze(checked);
}

function checkedQuota(path: string, quota: unknown): Quota {
  const { window, unit, limit, subject, anchorDay } = fieldsOf(path, quota, [
    ...['window', 'unit', 'limit', 'subject', 'anchorDay'],
  ]);
  return Object.freeze({
    window: oneOf(`${path}.window`, window, QUOTA_WINDOWS),
    unit: oneOf(`${path}.unit`, unit, QUOTA_UNITS),
    limit: limit === null ? null : amountOf(`${path}.limit`, limit, ', or null for no limit'),
    subject: oneOf(`${path}.subject`, subject, QUOTA_SUBJECTS),
    ...anchorOf(path, window as QuotaWindow, anchorDay),
  });
}

/**
 * Returns a frozen copy of credits.
 *
 * @throws TypeError that names the first invalid field
 */
export function checkedCredits(path: string, credits: unknown): Credits | null {
  if (credits === null) return null;
  const { unit, subject, refill } = fieldsOf(path, credits, ['unit', 'subject', 'refill']);
  return Object.freeze({
    unit: oneOf(`${path}.unit`, unit, QUOTA_UNITS),
    subject: oneOf(`${path}.subject`, subject, QUOTA_SUBJECTS),
    refill: checkedRefill(`${path}.refill`, refill),
  });
}

function checkedRefill(path: string, refill: unknown): Refill | null {
  if (refill === null || refill === undefined) return null;
  const { amount, every, anchorDay } = fieldsOf(path, refill, ['amount', 'every', 'anchorDay']);
  return Object.freeze({
    amount: amountOf(`${path}.amount`, amount),
    every: oneOf(`${path}.every`, every, QUOTA_WINDOWS),
    ...anchorOf(path, every as QuotaWindow, anchorDay),
  });
}

function isSameCounter(one: Quota, other: Quota): boolean {
  return one.window === other.window && one.unit === other.unit && one.subject === other.subject;
}

function fieldsOf(path: string, value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isPlainObject(value)) throw optionError(path, value, `an object with ${names.join(', ')}`);
  checkNames(path, value, names);
  return value as Readonly<Record<string, unknown>>;
}

function oneOf<T extends string>(path: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw optionError(path, value, `one of ${allowed.join(', ')}`);
}

function amountOf(path: string, value: unknown, or = ''): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_BALANCE) return value as number;
  throw optionError(path, value, `an integer from 1 to ${MAX_BALANCE}${or}`);
}

function anchorOf(path: string, window: QuotaWindow, anchorDay: unknown): { readonly anchorDay?: number } {
  if (anchorDay === undefined) return {};
  if (window !== 'month') throw optionError(`${path}.anchorDay`, anchorDay, 'undefined unless the period is a month');
  if (Number.isSafeInteger(anchorDay) && (anchorDay as number) >= 1 && (anchorDay as number) <= 31) {
    return { anchorDay: anchorDay as number };
  }
  throw optionError(`${path}.anchorDay`, anchorDay, 'an integer from 1 to 31');
}

/** Returns whether two tiers have the same quotas and credits. */
export function haveSameQuotas(
  a: { readonly quotas: readonly Quota[]; readonly credits: Credits | null },
  b: { readonly quotas: readonly Quota[]; readonly credits: Credits | null },
): boolean {
  // Both were copied by the checks, so their fields have the same order.
  return JSON.stringify([a.quotas, a.credits]) === JSON.stringify([b.quotas, b.credits]);
}
