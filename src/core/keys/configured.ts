import { badInput, type Refusal } from '../errors/refusal.js';
import type { ConfiguredFields } from '../store/keyFields.js';
import type { KeyRecord, KeySummary } from '../store/records.js';
import type { KeyPosition } from '../store/ordering.js';
import type { KeyFilter, KeyPage } from '../store/keyStore.js';
import { fold } from '../../shared/text/fold.js';

/**
 * A key in the configuration file, as the API returns it. It is not in the store. Its ID is `conf_…`, and its scopes are
 * those that its roles grant.
 */
export interface ConfiguredRecord extends ConfiguredFields {
  readonly roles: readonly string[];
}

/** A key of the store, without its trusted documents, or of the configuration file. */
export type AnyKey = KeySummary | ConfiguredRecord;

/** A key of the store, with its trusted documents, or of the configuration file. */
export type WholeKey = KeyRecord | ConfiguredRecord;

/** A page of stored and configured keys. */
export interface AnyKeyPage extends Omit<KeyPage, 'keys'> {
  readonly keys: readonly AnyKey[];
  readonly hasPreviousPage: boolean;
  /** Selects all keys of the list that the page belongs to; null if the list is empty. */
  readonly selection: KeySelection | null;
}

/** Selects the keys of a list, independent of its order and pages. */
export interface KeySelection {
  readonly workspaceId: string;
  readonly filter: KeyFilter;
}

/** Returns whether the key is from the configuration file. */
export function isConfigured(key: AnyKey): key is ConfiguredRecord {
  return 'roles' in key;
}

/** Returns whether a position belongs to a configured key. Configured keys come after all stored keys, in every order. */
export function isConfiguredPosition({ id }: KeyPosition): boolean {
  return id.startsWith('conf_');
}

/** Returns the configured key with an ID, or null. @param workspaceId null for any workspace */
export function findConfigured(
  records: readonly ConfiguredRecord[],
  id: string,
  workspaceId: string | null,
): ConfiguredRecord | null {
  const found = records.find((record) => record.id === id);
  return found !== undefined && (workspaceId === null || found.workspaceId === workspaceId) ? found : null;
}

/**
 * Appends configured keys to a page of stored keys, if it is the last such page. They are sorted by ID, descending. This
 * order survives a reload, so no key is repeated or missed unless it was added or removed in between.
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
  { status, type, environment, nameContains, scope, projectId, userId, externalId }: KeyFilter,
): boolean {
  return (
    projectId === undefined &&
    userId === undefined &&
    externalId === undefined &&
    (status === undefined || status === 'ACTIVE') &&
    (type === undefined || type === record.type) &&
    (environment === undefined || environment === record.environment) &&
    (nameContains === undefined || fold(record.name).includes(fold(nameContains))) &&
    (scope === undefined || record.scopes.includes(scope))
  );
}

/** The error of an attempt to change a configured key. The file would undo the change at the next start. */
export function standsInConfiguration(): Refusal {
  return badInput(
    ['input', 'id'],
    'The key is defined in the configuration, under auth.api_keys.keys. Change it there, and reload the configuration.',
  );
}
