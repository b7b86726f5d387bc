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

/**
 * The store of keys, each change told once it is made. What changed nothing is not told. Arguments are handed on whole, so that
 * one which a store operation gets later is not dropped here.
 */
export function telling(keys: KeyStore, tell: (event: KeyEvent) => void): KeyStore {
  const told = (type: KeyEventType, key: Key, now: number, author: Author | undefined): void =>
    tell(keyEvent(type, key, now, { actor: author?.id }));
  return overlaid(keys, {
    async insert(...given) {
      const [key, , now, author] = given;
      const inserted = await keys.insert(...given);
      if (inserted.outcome === 'inserted') told('CREATED', key, now, author);
      return inserted;
    },
    async rotate(...given) {
      const [, , , , now, author] = given;
      const change = await keys.rotate(...given);
      if (change.outcome === 'changed') told('ROTATED', change.key, now, author);
      return change;
    },
    async expire(...given) {
      const [, , , now, author] = given;
      const change = await keys.expire(...given);
      if (change.outcome === 'changed') told('UPDATED', change.key, now, author);
      return change;
    },
    async revoke(...given) {
      const [, , , now, author] = given;
      const change = await keys.revoke(...given);
      // A further revocation is answered as the first one, and changes nothing.
      if (change.outcome === 'changed' && change.key.revokedAt === now) told('REVOKED', change.key, now, author);
      return change;
    },
    async update(...given) {
      const [, , , now, author] = given;
      const change = await keys.update(...given);
      if (change.outcome === 'changed') told('UPDATED', change.key, now, author);
      return change;
    },
  });
}
