import { badInput, type Refusal } from '../refusals/refusal.js';
import type { KeyRecord, KeySummary } from '../store/records.js';
import type { KeyPosition } from '../store/ordering.js';
import type { KeyFilter, KeyPage } from '../store/store.js';
import { fold } from '../text/fold.js';

/** A key that stands in the configuration and not in the store, as far as anybody is told of it. */
export interface ConfiguredRecord {
  /** `conf_…` */
  readonly id: string;
  readonly familyId: string;
  readonly projectId: null;
  readonly userId: null;
  readonly allowedAddresses: readonly string[];
  readonly trustedDocuments: null;
  readonly workspaceId: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** What its roles grant. */
  readonly scopes: readonly string[];
  readonly type: 'SECRET';
  readonly environment: 'LIVE';
  readonly createdAt: null;
  readonly expiresAt: null;
  readonly revokedAt: null;
  readonly replaces: null;
  readonly replacedBy: null;
}

/** A key, wherever it stands. Lists and look-ups don't read its trusted documents. */
export type AnyKey = KeySummary | ConfiguredRecord;

/** A key with its trusted documents, wherever it stands. */
export type WholeKey = KeyRecord | ConfiguredRecord;

/** A page of keys, wherever they stand. */
export interface AnyKeyPage extends Omit<KeyPage, 'keys'> {
  readonly keys: readonly AnyKey[];
  readonly hasPreviousPage: boolean;
  /** The keys that the page is a part of; null: there are none. */
  readonly selection: KeySelection | null;
}

/** What a list is made of, whatever its order and its pages. */
export interface KeySelection {
  readonly workspaceId: string;
  readonly filter: KeyFilter;
}

export function isConfigured(key: AnyKey): key is ConfiguredRecord {
  return 'roles' in key;
}

/** Is it the place of a configured key? They come after all stored keys, in every order. */
export function isConfiguredPosition({ id }: KeyPosition): boolean {
  return id.startsWith('conf_');
}

/** @param workspaceId null: of any workspace */
export function findConfigured(
  records: readonly ConfiguredRecord[],
  id: string,
  workspaceId: string | null,
): ConfiguredRecord | null {
  const found = records.find((record) => record.id === id);
  return found !== undefined && (workspaceId === null || found.workspaceId === workspaceId) ? found : null;
}

/**
 * A page of the store's, filled up with configured keys where it is the last one. By id, descending: the order is total
 * and holds over a reload, so that pages neither repeat nor lose a key that stands throughout.
 */
export function withConfigured(
  page: KeyPage,
  records: readonly ConfiguredRecord[],
  { first, after, filter }: { readonly first: number; readonly after: KeyPosition | null; readonly filter: KeyFilter },
): Omit<AnyKeyPage, 'selection'> {
  const matching = matchingOf(records, filter).sort((a, b) => (a.id < b.id ? 1 : -1));
  const hasPreviousPage = after !== null;
  if (page.hasNextPage) return { ...page, hasPreviousPage };
  const left = after !== null && isConfiguredPosition(after) ? matching.filter(({ id }) => id < after.id) : matching;
  const room = first - page.keys.length;
  return { keys: [...page.keys, ...left.slice(0, room)], hasNextPage: left.length > room, hasPreviousPage };
}

/** Returns the configured keys that a filter matches. */
export function matchingOf(records: readonly ConfiguredRecord[], filter: KeyFilter): ConfiguredRecord[] {
  return records.filter((record) => matches(record, filter));
}

function matches(
  record: ConfiguredRecord,
  { status, type, environment, nameContains, scope, projectId, userId }: KeyFilter,
): boolean {
  return (
    projectId === undefined &&
    userId === undefined &&
    (status === undefined || status === 'ACTIVE') &&
    (type === undefined || type === record.type) &&
    (environment === undefined || environment === record.environment) &&
    (nameContains === undefined || fold(record.name).includes(fold(nameContains))) &&
    (scope === undefined || record.scopes.includes(scope))
  );
}

/** To whoever would change one here: the file would say otherwise at the next start. */
export function standsInConfiguration(): Refusal {
  return badInput(
    ['input', 'id'],
    'The key is defined in the configuration, under auth.api_keys.keys. Change it there, and reload the configuration.',
  );
}
