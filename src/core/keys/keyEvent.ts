import type { QuotaSubject, QuotaUnit, QuotaWindow } from '../quotas/quota.js';
import type { KeyRecord } from '../store/records.js';

export const KEY_EVENT_TYPES = [
  'CREATED',
  'ROTATED',
  'UPDATED',
  'REVOKED',
  'LIMITED',
  'QUOTA_USED',
  'EXPIRING',
  'NEW_ADDRESS',
] as const;
export type KeyEventType = (typeof KEY_EVENT_TYPES)[number];

/** A quota that has reached a threshold of its limit. */
export interface QuotaUse {
  readonly window: QuotaWindow;
  readonly unit: QuotaUnit;
  readonly subject: QuotaSubject;
  readonly limit: number;
  /** 80 or 100. */
  readonly percent: number;
  /** The end of the period, in milliseconds since the epoch. */
  readonly resetsAt: number;
}

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
  /** For QUOTA_USED only. */
  readonly quota?: QuotaUse;
}

type Key = Pick<KeyRecord, 'id' | 'workspaceId' | 'projectId'>;

/** Returns an event of a key. */
export function keyEvent(
  type: KeyEventType,
  { id: keyId, workspaceId, projectId }: Key,
  at: number,
  by: { readonly actor?: string | null | undefined; readonly address?: string; readonly quota?: QuotaUse } = {},
): KeyEvent {
  const { actor = null, address = null, quota } = by;
  return {
    ...{ kind: 'key', type, at, workspaceId, projectId, keyId, actor, address },
    ...(quota !== undefined && { quota }),
  };
}
