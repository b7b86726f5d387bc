import { Refusal } from '../refusals/refusal.js';
import type { Ceilings } from '../scopes/ceilings.js';
import type { KeyAmendment } from '../store/changes.js';
import type { KeyRecord } from '../store/records.js';
import type { Actor } from './actor.js';
import { assertHeld } from './input.js';
import { assertWithin } from './lifecycle.js';

/** A change that gives a key more than it has is a grant, whatever the operation is called, and is checked as one. */

/** Returns whether `at` is later than the end that the key has. A key without an end has nothing to gain. */
export function prolongs({ expiresAt }: Pick<KeyRecord, 'expiresAt'>, at: number | null): boolean {
  return expiresAt !== null && (at === null || at > expiresAt);
}

/** Returns whether a key would be accepted from more places, or run more documents, than before. */
export function loosens(key: KeyRecord, { allowedAddresses, trustedDocuments }: KeyAmendment): boolean {
  return (
    (allowedAddresses !== undefined &&
      key.allowedAddresses.length > 0 &&
      !isPart(allowedAddresses, key.allowedAddresses)) ||
    (trustedDocuments != null && key.trustedDocuments !== null && !isPart(trustedDocuments, key.trustedDocuments))
  );
}

/** An empty list of addresses is no restriction, and so part of none. */
function isPart(items: readonly string[], of: readonly string[]): boolean {
  return items.length > 0 && items.every((item) => of.includes(item));
}

/**
 * Checks that the actor may give a key a later end: everything that creating it would require. No key extends the life of
 * its own family, or an end would hold only as long as the holder wanted it to.
 *
 * @throws Refusal FORBIDDEN (not a SECRET key, or the actor's own key), SCOPE_NOT_HELD, BAD_USER_INPUT (the type's ceiling)
 */
export function assertMayProlong(actor: Actor, key: KeyRecord, ceilings: Ceilings): void {
  assertSecretKey(actor);
  assertHeld(actor.scopes, key.scopes);
  assertWithin(ceilings, key);
  if (actor.familyId !== key.familyId) return;
  throw new Refusal('A key cannot extend its own life. Use another key, or rotate this one.', {
    code: 'FORBIDDEN',
    missing: [],
    fields: [],
  });
}

/** CLIENT and READ_ONLY keys grant nothing, whatever they hold. @throws Refusal FORBIDDEN */
export function assertSecretKey(actor: Actor): void {
  if (actor.keyType === 'SECRET') return;
  throw new Refusal('Only keys of type SECRET create or change keys.', {
    code: 'FORBIDDEN',
    missing: ['admin'],
    fields: [],
  });
}
