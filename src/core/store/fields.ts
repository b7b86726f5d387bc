import type { AuditEntry } from './audit.js';
import type { LimitOverride, ProjectRecord, UserRecord } from './records.js';

/**
 * The names of the records' fields, for the engines. Fields that are not listed here are neither written nor returned. The fields of keys
 * are in keyFields.ts.
 */

export const PROJECT_FIELDS = [
  'id',
  'workspaceId',
  'name',
  'createdAt',
] as const satisfies readonly (keyof ProjectRecord)[];

export const USER_FIELDS = [
  'id',
  'workspaceId',
  'name',
  'roles',
  'externalId',
  'createdAt',
  'removedAt',
] as const satisfies readonly (keyof UserRecord)[];

export const OVERRIDE_FIELDS = [
  'workspaceId',
  'kind',
  'subjectId',
  'rate',
  'burst',
  'quotas',
  'until',
  'reason',
  'setBy',
  'setAt',
] as const satisfies readonly (keyof LimitOverride)[];

export const AUDIT_FIELDS = [
  'workspaceId',
  'seq',
  'id',
  'projectId',
  'at',
  'action',
  'subject',
  'actorKind',
  'actor',
  'address',
  'userAgent',
  'before',
  'after',
  'previousHash',
  'hash',
] as const satisfies readonly (keyof AuditEntry)[];

export function pick<T, Field extends keyof T>(source: T, fields: readonly Field[]): Pick<T, Field> {
  return Object.fromEntries(fields.map((field) => [field, source[field]])) as Pick<T, Field>;
}
