import { randomBytes } from 'node:crypto';
import { pick } from '../../../src/core/store/fields.js';
import { INITIAL, KEY_SUMMARY_FIELDS } from '../../../src/core/store/keyFields.js';
import type { Author } from '../../../src/core/store/audit.js';
import type {
  KeyRecord,
  KeySummary,
  ProjectRecord,
  UsageAddition,
  UsageBatch,
  UserRecord,
  WorkspaceRecord,
} from '../../../src/core/store/records.js';
import type { KeyFilter, PlacesByTier } from '../../../src/core/store/keyStore.js';
import type { Store } from '../../../src/core/store/store.js';

/** A time that exceeds 32 bits, like real ones. */
export const NOW = 1_790_000_000_000;

export function unique(prefix: string): string {
  return `${prefix}_${randomBytes(8).toString('hex')}`;
}

export function aWorkspace(fields: Partial<WorkspaceRecord> = {}): WorkspaceRecord {
  return { id: unique('ws'), name: 'Acme', tier: 'STARTER', createdAt: NOW, ...fields };
}

/** The same places for every tier. */
export function placesFor(keys: number | null, adminKeys: number | null): PlacesByTier {
  return { byTier: {}, otherwise: { keys, adminKeys } };
}

export function aKey(workspaceId: string, fields: Partial<KeyRecord> = {}): KeyRecord {
  const id = unique('key');
  return {
    ...INITIAL,
    id,
    workspaceId,
    familyId: id,
    lookupId: randomBytes(8).toString('hex'),
    tokenPrefix: 'lks_live',
    secretHash: '$2b$04$hash',
    digest: null,
    name: 'Deployment',
    type: 'SECRET',
    environment: 'LIVE',
    scopes: ['assets:read', 'assets:write'],
    createdAt: NOW,
    createdBy: 'operator',
    expiresAt: null,
    lifetime: null,
    ...fields,
  };
}

export function aProject(workspaceId: string, fields: Partial<ProjectRecord> = {}): ProjectRecord {
  return { id: unique('prj'), workspaceId, name: unique('Project'), createdAt: NOW, ...fields };
}

export function aUser(workspaceId: string, fields: Partial<UserRecord> = {}): UserRecord {
  return {
    id: unique('usr'),
    workspaceId,
    name: 'Ada',
    roles: ['viewer'],
    externalId: null,
    createdAt: NOW,
    removedAt: null,
    ...fields,
  };
}

/** Somebody who makes changes. */
export const ADA: Author = { kind: 'key', id: 'key_ada', address: '192.0.2.7', userAgent: 'ada/1' };

/** The arguments for a rotation of `old`. */
export function anHeir(old: KeyRecord, fields: Partial<KeyRecord> = {}): KeyRecord {
  return aKey(old.workspaceId, { familyId: old.familyId, replaces: old.id, createdBy: old.id, ...fields });
}

/** A workspace without keys. */
export async function givenWorkspace(store: Store, fields: Partial<WorkspaceRecord> = {}): Promise<string> {
  const workspace = aWorkspace(fields);
  await store.workspaces.ensure(workspace);
  return workspace.id;
}

/** A key of a new family, inserted without a limit. */
export async function givenKey(
  store: Store,
  workspaceId: string,
  fields: Partial<KeyRecord> = {},
  now = NOW,
): Promise<KeyRecord> {
  const key = aKey(workspaceId, fields);
  await store.keys.insert(key, null, now);
  return key;
}

export async function listed(
  store: Store,
  workspaceId: string,
  filter: KeyFilter = {},
  now = NOW,
): Promise<KeySummary[]> {
  const page = await store.keys.list(workspaceId, { first: 1000, after: null, filter, now });
  return [...page.keys];
}

/** The key as lists and look-ups of several keys return it. */
export function summaryOf(key: KeyRecord): KeySummary {
  return pick(key, KEY_SUMMARY_FIELDS);
}

export function namesOf(records: readonly { readonly name: string }[]): string[] {
  return records.map(({ name }) => name);
}

/** Returns a batch of usage that was not added before. */
export function aBatch(additions: readonly UsageAddition[]): UsageBatch {
  return { id: unique('batch'), additions };
}
