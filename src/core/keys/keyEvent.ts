import type { Author } from '../store/audit.js';
import type { KeyRecord } from '../store/records.js';
import type { KeyStore } from '../store/store.js';
import { overlaid } from './changeFeed.js';

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

/** An event of a key. It contains no secret. */
export interface KeyEvent {
  readonly kind: 'key';
  readonly type: KeyEventType;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly workspaceId: string;
  /** The project that the key is restricted to. */
  readonly projectId: string | null;
  readonly keyId: string;
  /** ID of the credential that caused the event; null if none did, as for EXPIRING. */
  readonly actor: string | null;
  /** The client address, for NEW_ADDRESS only. */
  readonly address: string | null;
}

type Key = Pick<KeyRecord, 'id' | 'workspaceId' | 'projectId'>;

/** Returns an event of a key. */
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
 * Wraps a key store so that each change is reported as an event, after it was made. Calls that change nothing are not
 * reported. All arguments are passed on, so that a future parameter of a store operation is not lost here.
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
      // Revoking a key again returns the first revocation and changes nothing.
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
