import type { ShownField } from '../../../core/store/keyFields.js';
import type { Terminal } from '../../terminal.js';
import { EXIT, Failure } from '../../exit.js';
import { shortMoment } from '../../times.js';
import { named } from '../../named.js';

/** A key in the form that commands show, also the format of `--json`. */
export interface Key {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly source: 'CREATED' | 'CONFIGURED';
  readonly prefix: string;
  readonly type: string;
  readonly environment: string;
  readonly scopes: readonly string[];
  /** The effective scopes: a user's key can do no more than the user's roles allow. */
  readonly effectiveScopes: readonly string[];
  readonly roles: readonly string[];
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly user: { readonly id: string; readonly name: string } | null;
  readonly externalId: string | null;
  readonly allowedAddresses: readonly string[];
  readonly trustedDocuments: readonly string[] | null;
  readonly status: 'ACTIVE' | 'EXPIRED' | 'REVOKED';
  readonly createdAt: string | null;
  readonly createdBy: string | null;
  readonly createdByName: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly revokedReason: string | null;
  readonly lastUsedAt: string | null;
  readonly replaces: { readonly id: string } | null;
  readonly replacedBy: { readonly id: string } | null;
  readonly previousTokenLastUsedAt: string | null;
}

/** A key in lists. Doesn't include trusted documents, because the documents of 50 keys can exceed the limit of a response. */
export type ListedKey = Omit<Key, 'trustedDocuments'>;

/** A new key, with the token that is shown once. */
export interface Made {
  readonly apiKey: Key;
  readonly token: string;
}

/** The selection of each field. The fields of `ApiKey` that show a field of the store must be here. */
const SELECTION = {
  id: '',
  workspaceId: '',
  name: '',
  source: '',
  prefix: '',
  type: '',
  environment: '',
  scopes: '',
  effectiveScopes: '',
  roles: '',
  project: '{ id name }',
  user: '{ id name }',
  allowedAddresses: '',
  trustedDocuments: '',
  externalId: '',
  status: '',
  createdAt: '',
  createdBy: '',
  createdByName: '',
  expiresAt: '',
  revokedAt: '',
  revokedReason: '',
  lastUsedAt: '',
  replaces: '{ id }',
  replacedBy: '{ id }',
  previousTokenLastUsedAt: '',
} as const satisfies Record<Exclude<ShownField, 'familyId'> | keyof Key, string>;

const fields = (...leftOut: readonly string[]): string => {
  const selected = Object.entries(SELECTION).filter(([name]) => !leftOut.includes(name));
  return `{ ${selected.map(([name, selection]) => (selection === '' ? name : `${name} ${selection}`)).join(' ')} }`;
};

export const KEY = `fragment Key on ApiKey ${fields()}`;

/** Of {@link ListedKey}. */
export const LISTED_KEY = `fragment ListedKey on ApiKey ${fields('trustedDocuments')}`;

/** The server stores uses every five seconds. */
export const LAST_USED_DELAY = 'up to 5 seconds behind';

/** Returns the description of a key, line by line. */
export function linesOf(key: Key): [string, string | null][] {
  const { project, user, trustedDocuments } = key;
  const lastUse = (at: string | null): string => (at === null ? 'never' : shortMoment(at));
  return [
    ['Id', key.id],
    ['Name', key.name],
    ['Status', key.status],
    ['Prefix', textOr(key.prefix)],
    ['Type', `${key.type} ${key.environment}`],
    ['Scopes', key.scopes.join(' ')],
    ['Effective', isLimited(key) ? key.effectiveScopes.join(' ') || 'none' : null],
    ['Roles', textOr(key.roles.join(' '))],
    ['Source', key.source === 'CONFIGURED' ? "the server's configuration" : null],
    ['Project', project && `${project.name} (${project.id})`],
    ['User', user && `${user.name} (${user.id})`],
    ['External ID', key.externalId],
    ['Addresses', textOr(key.allowedAddresses.join(' '))],
    ['Documents', trustedDocuments && `${trustedDocuments.length}, and no others`],
    [
      'Created',
      key.createdAt &&
        `${shortMoment(key.createdAt)}${key.createdBy === null ? '' : ` by ${named(key.createdByName, key.createdBy)}`}`,
    ],
    ['Expires', key.expiresAt === null ? 'never' : shortMoment(key.expiresAt)],
    ['Revoked', key.revokedAt && shortMoment(key.revokedAt)],
    ['Reason', key.revokedReason],
    ['Last used', lastUse(key.lastUsedAt)],
    ['Replaces', key.replaces && `${key.replaces.id}, last used ${lastUse(key.previousTokenLastUsedAt)}`],
    ['Replaced by', key.replacedBy?.id ?? null],
  ];
}

/** Returns the scopes of a key for a table, and the effective scopes if the user's roles allow less. */
export function scopesText(key: Pick<Key, 'scopes' | 'effectiveScopes'>): string {
  const scopes = key.scopes.join(' ');
  return isLimited(key) ? `${scopes} (effective: ${key.effectiveScopes.join(' ') || 'none'})` : scopes;
}

function isLimited({ scopes, effectiveScopes }: Pick<Key, 'scopes' | 'effectiveScopes'>): boolean {
  return scopes.toSorted().join(' ') !== effectiveScopes.toSorted().join(' ');
}

export function statusStyle({ status }: Pick<Key, 'status'>): Parameters<Terminal['style']>[0] {
  switch (status) {
    case 'ACTIVE':
      return 'green';
    case 'EXPIRED':
      return 'yellow';
    case 'REVOKED':
      return 'red';
    // For values of a newer server.
    default:
      return 'dim';
  }
}

/** @throws Failure if the server has none with this ID */
export function found<T>(value: T | null, what: string): T {
  if (value !== null) return value;
  throw new Failure(EXIT.failed, 'NOT_FOUND', `There is no such ${what} in this workspace. Check the ID.`);
}

function textOr(text: string): string | null {
  return text === '' ? null : text;
}
