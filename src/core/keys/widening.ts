import { Refusal } from '../errors/refusal.js';
import type { Ceilings } from '../scopes/ceilings.js';
import type { KeyAmendment } from '../store/changes.js';
import { RESTRICTING_FIELDS, type RestrictingField } from '../store/keyFields.js';
import type { KeyRecord } from '../store/records.js';
import type { Actor } from './actor.js';
import { assertHeld } from './keyInput.js';
import { assertWithin } from './lifecycle.js';

// A change that extends what a key can do is a grant, whatever the operation is called, and needs the same checks as one.

/** Returns whether `at` extends the life of a key. A key that doesn't expire can't be extended. */
export function prolongs({ expiresAt }: Pick<KeyRecord, 'expiresAt'>, at: number | null): boolean {
  return expiresAt !== null && (at === null || at > expiresAt);
}

type Lists = Pick<KeyRecord, RestrictingField>;

/** Whether a new value allows more than the previous one, for each field that restricts a key. */
const LOOSER: { readonly [Name in RestrictingField]: (to: Lists[Name], from: Lists[Name]) => boolean } = {
  allowedAddresses: (to, from) => from.length > 0 && !isPart(to, from),
  trustedDocuments: (to, from) => to !== null && from !== null && !isPart(to, from),
};

/** Returns whether a change allows the key more addresses or more trusted documents than before. */
export function loosens(key: KeyRecord, change: KeyAmendment): boolean {
  const after = { ...key, ...change };
  return RESTRICTING_FIELDS.some((name) =>
    (LOOSER[name] as (to: unknown, from: unknown) => boolean)(after[name], key[name]),
  );
}

/** Returns whether a list is a subset of another one. An empty list means no restriction, so it is never a subset. */
function isPart(items: readonly string[], of: readonly string[]): boolean {
  return items.length > 0 && items.every((item) => of.includes(item));
}

/**
 * Checks that the actor may extend the life of a key. This requires the same as creating it. A key can't extend the life of
 * its own rotation family. Otherwise its holder could keep it forever.
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

/** Checks the type of the actor's key: CLIENT and READ_ONLY keys grant nothing, whatever their scopes. @throws Refusal FORBIDDEN */
export function assertSecretKey(actor: Actor): void {
  if (actor.keyType === 'SECRET') return;
  throw new Refusal('Only keys of type SECRET can create or change keys.', {
    code: 'FORBIDDEN',
    missing: ['admin'],
    fields: [],
  });
}
