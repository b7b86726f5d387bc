import { EFFECTS, READS, type Changeable, type Effects } from '../../../src/core/keys/effects.js';
import type { KeyChange, KeyStore } from '../../../src/core/store/keyStore.js';

// Checked by npm run typecheck: an expected error that does not occur is an error.

/** A store with another operation on keys. */
interface PausableKeys extends KeyStore {
  pause(id: string, workspaceId: string | null, now: number): Promise<KeyChange>;
}
interface Longer extends Omit<Changeable, 'keys'> {
  readonly keys: PausableKeys;
}

const stale = ([, workspaceId]: readonly [string, string | null, number]) =>
  workspaceId === null ? null : ({ kind: 'workspace', workspaceId } as const);

export const complete: Effects<Longer> = { ...EFFECTS, keys: { ...EFFECTS.keys, pause: { stale, event: null } } };

// @ts-expect-error An operation without an entry in the table.
export const forgotten: Effects<Longer> = EFFECTS;

// @ts-expect-error A change that says nothing about cached records.
export const uncached: Effects<Longer> = { ...EFFECTS, keys: { ...EFFECTS.keys, pause: { event: null } } };

// @ts-expect-error A change that says nothing about events.
export const silent: Effects<Longer> = { ...EFFECTS, keys: { ...EFFECTS.keys, pause: { stale } } };

/** A store with another part. */
interface Wider extends Changeable {
  readonly roles: { rename(id: string, name: string): Promise<void> };
}

// @ts-expect-error A part of the store without an entry in the table.
export const narrow: Effects<Wider> = EFFECTS;

export const wide: Effects<Wider> = { ...EFFECTS, roles: { rename: READS } };
