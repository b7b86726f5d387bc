import type { AuditEntry } from './audit.js';
import type {
  AlertRecord,
  AssetRecord,
  AssetSummary,
  AssetTexts,
  EventRecord,
  ProjectRecord,
  UserRecord,
} from './records.js';

/**
 * The names of the records' fields, for the engines. Fields that are not listed here are neither written nor returned. Those of keys are
 * in keyFields.ts.
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
  'createdAt',
  'removedAt',
] as const satisfies readonly (keyof UserRecord)[];

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

export const ASSET_FIELDS = [
  'projectId',
  'name',
  'description',
  'owner',
  'allowedAge',
  'upstream',
  'expectedColumns',
  'columns',
  'schemaVersion',
  'lastLoadAt',
  'lastLoadRows',
  'createdAt',
] as const satisfies readonly (keyof AssetRecord)[];

export const ASSET_SUMMARY_FIELDS = [
  'projectId',
  'name',
  'owner',
  'allowedAge',
  'schemaVersion',
  'lastLoadAt',
  'lastLoadRows',
  'createdAt',
] as const satisfies readonly (keyof AssetSummary)[];

export const ASSET_TEXT_FIELDS = ['name', 'description', 'upstream'] as const satisfies readonly (keyof AssetTexts)[];

export const ALERT_FIELDS = [
  'id',
  'projectId',
  'asset',
  'kind',
  'message',
  'openedAt',
  'closedAt',
] as const satisfies readonly (keyof AlertRecord)[];

export const EVENT_FIELDS = [
  'projectId',
  'id',
  'type',
  'asset',
  'at',
  'rows',
  'properties',
] as const satisfies readonly (keyof EventRecord)[];

export function pick<T, Field extends keyof T>(source: T, fields: readonly Field[]): Pick<T, Field> {
  return Object.fromEntries(fields.map((field) => [field, source[field]])) as Pick<T, Field>;
}
