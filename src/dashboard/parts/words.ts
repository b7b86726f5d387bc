import type {
  ApiKeyEnvironment,
  ApiKeyStatus,
  ApiKeyType,
  AuditAction,
  KeyEventType,
  OperationCategory,
} from '../generated/graphql.js';

/** The labels of values of the API. */

export const STATUSES: Readonly<Record<ApiKeyStatus, string>> = {
  ACTIVE: 'Active',
  EXPIRED: 'Expired',
  REVOKED: 'Revoked',
};

export const TYPES: Readonly<Record<ApiKeyType, string>> = {
  SECRET: 'Secret',
  CLIENT: 'Client',
  READ_ONLY: 'Read-only',
};

/** The purpose of each type. */
export const PURPOSES: Readonly<Record<ApiKeyType, string>> = {
  SECRET: 'For servers. Can have any scope.',
  CLIENT: 'For web pages and apps, whose code is public. Cannot have admin scopes.',
  READ_ONLY: 'For monitoring and reports. Can only read.',
};

export const ENVIRONMENTS: Readonly<Record<ApiKeyEnvironment, string>> = { LIVE: 'Live', TEST: 'Test' };

/** Returns the label of a tier: Free Trial for FREE_TRIAL. */
export function tierLabel(tier: string): string {
  return tier
    .split('_')
    .filter((word) => word !== '')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join(' ');
}

export const CATEGORIES: Readonly<Record<OperationCategory, string>> = {
  READ: 'Reads',
  WRITE: 'Writes',
  ADMIN: 'Administration',
};

export const ACTIONS: Readonly<Record<AuditAction, string>> = {
  KEY_CREATED: 'Key created',
  KEY_ROTATED: 'Key rotated',
  KEY_EXPIRED: 'Key expiry set',
  KEY_REVOKED: 'Key revoked',
  KEY_IMPORTED: 'Key imported',
  KEY_UPDATED: 'Key changed',
  KEY_REFUSED: 'Requests rejected',
  KEY_SENT_IN_CLEAR: 'Key sent over plain HTTP',
  CREDENTIAL_REFUSED: 'Credentials rejected',
  WORKSPACE_CREATED: 'Workspace created',
  WORKSPACE_TIER_CHANGED: 'Tier changed',
  PROJECT_CREATED: 'Project created',
  PROJECT_RENAMED: 'Project renamed',
  USER_ADDED: 'User added',
  USER_UPDATED: 'User changed',
  USER_REMOVED: 'User removed',
  CREDITS_ADDED: 'Credits added',
  LIMITS_SET: 'Limits set',
  LIMITS_REMOVED: 'Limits removed',
  AUDIT_ARCHIVED: 'Log archived',
};

export const EVENTS: Readonly<Record<KeyEventType, string>> = {
  CREATED: 'Created',
  ROTATED: 'Rotated',
  UPDATED: 'Changed',
  REVOKED: 'Revoked',
  LIMITED: 'Rate limited',
  QUOTA_USED: 'Quota used',
  EXPIRING: 'Expires soon',
  NEW_ADDRESS: 'New address',
};

const COUNT = new Intl.NumberFormat('en');

/** Formats a number: `5,000`. */
export function count(number: number): string {
  return COUNT.format(number);
}

/** Formats a number with a noun: `1 key`, `25 keys`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Returns the entries of a table of labels, for a select. */
export function choices<Value extends string>(
  words: Readonly<Record<Value, string>>,
): { value: Value; label: string }[] {
  return Object.entries(words).map(([value, label]) => ({ value: value as Value, label: label as string }));
}
