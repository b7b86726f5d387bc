import type { Author } from '../store/audit.js';
import type { KeyRecord } from '../store/records.js';
import type { KeyStore } from '../store/store.js';
import { overlaid } from './changes.js';

export const KEY_EVENT_TYPES = [
  'CREATED',
  'ROTATED',
  'UPDATED',
  'REVOKED',
  'LIMITED',
  'EXPIRING',
  'NEW_ADDRESS',
] as const;
export type KeyEventType = (typeof KEY_EVENT_TYPES)[number];

/** What happened to a key. Nothing secret is in it. */
export interface KeyEvent {
  readonly kind: 'key';
  readonly type: KeyEventType;
  /** ms since the epoch. */
  readonly at: number;
  readonly workspaceId: string;
  /** The project that the key is bound to. */
  readonly projectId: string | null;
  readonly keyId: string;
  /** Id of the credential that did it; null where nobody did. */
  readonly actor: string | null;
  /** From where it was used; of NEW_ADDRESS alone. */
  readonly address: string | null;
}

type Key = Pick<KeyRecord, 'id' | 'workspaceId' | 'projectId'>;

export function keyEvent(
  type: KeyEventType,
  { id: keyId, workspaceId, projectId }: Key,
  at: number,
  by: { readonly actor?: string | null | undefined; readonly address?: string } = {},
): KeyEvent {
  const { actor = null, address = null } = by;
  return { kind: 'key', type, at, workspaceId, projectId, keyId, actor, address };
}

/** The store of keys, each change told once it is made. What changed nothing is not told. */
export function telling(keys: KeyStore, tell: (event: KeyEvent) => void): KeyStore {
  const told = (type: KeyEventType, key: Key, now: number, author: Author | undefined): void =>
    tell(keyEvent(type, key, now, { actor: author?.id }));
  return overlaid(keys, {
    async insert(key, places, now, author) {
      const inserted = await keys.insert(key, places, now, author);
      if (inserted.outcome === 'inserted') told('CREATED', key, now, author);
      return inserted;
    },
    async rotate(id, workspaceId, successor, overlapEnd, now, author, judged) {
      const change = await keys.rotate(id, workspaceId, successor, overlapEnd, now, author, judged);
      if (change.outcome === 'changed') told('ROTATED', change.key, now, author);
      return change;
    },
    async expire(id, workspaceId, at, now, author, judged) {
      const change = await keys.expire(id, workspaceId, at, now, author, judged);
      if (change.outcome === 'changed') told('UPDATED', change.key, now, author);
      return change;
    },
    async revoke(id, workspaceId, reason, now, author) {
      const change = await keys.revoke(id, workspaceId, reason, now, author);
      // A further revocation is answered as the first one, and changes nothing.
      if (change.outcome === 'changed' && change.key.revokedAt === now) told('REVOKED', change.key, now, author);
      return change;
    },
    async update(id, workspaceId, amendment, now, author, judged, places) {
      const change = await keys.update(id, workspaceId, amendment, now, author, judged, places);
      if (change.outcome === 'changed') told('UPDATED', change.key, now, author);
      return change;
    },
  });
}
