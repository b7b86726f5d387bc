import type { AlertRecord, AssetRecord, AssetSummary, AssetTexts, EventRecord } from './demoRecords.js';

/** The names of the records' fields, for the engines. Fields that are not listed here are neither written nor returned. */

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
