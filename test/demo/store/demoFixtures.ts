import type { AlertRecord, AssetRecord, EventRecord } from '../../../src/demo/store/demoRecords.js';
import { NOW, unique } from '../../core/store/fixtures.js';

export function anAsset(projectId: string, fields: Partial<AssetRecord> = {}): AssetRecord {
  return {
    projectId,
    name: unique('asset'),
    description: 'Orders of the day',
    owner: 'sales',
    allowedAge: 86_400_000,
    upstream: [],
    expectedColumns: [{ name: 'id', type: 'bigint' }],
    columns: [],
    schemaVersion: 1,
    lastLoadAt: null,
    lastLoadRows: null,
    createdAt: NOW,
    ...fields,
  };
}

export function anAlert(projectId: string, asset: string, fields: Partial<AlertRecord> = {}): AlertRecord {
  return {
    id: unique('alert'),
    projectId,
    asset,
    kind: 'STALE',
    message: 'No load for a day.',
    openedAt: NOW,
    closedAt: null,
    ...fields,
  };
}

/** Uses the real time, because MongoDB expires events by its own clock. */
export function anEvent(projectId: string, fields: Partial<EventRecord> = {}): EventRecord {
  return {
    projectId,
    id: unique('evt'),
    type: 'LOAD',
    asset: 'orders',
    at: Date.now(),
    rows: 7,
    properties: '{"$by":"dag","deep":{"a.b":[1,null]}}',
    ...fields,
  };
}
