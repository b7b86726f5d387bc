import { addToMoment, clampMoment, formatMoment } from '../../shared/dates/moments.js';
import { badInput, notFound, Refusal, unavailable } from '../errors/refusal.js';
import type { Ceilings } from '../scopes/ceilings.js';
import type { Forfeit } from '../store/changes.js';
import { pick } from '../store/fields.js';
import { INHERITED_FIELDS } from '../store/keyFields.js';
import type { KeyRecord, Tier } from '../store/records.js';
import { placesInWords } from '../store/places.js';
import type { KeyChange, PlaceKind } from '../store/keyStore.js';
import type { Actor } from './actor.js';
import type { NewKey } from './minter.js';

/**
 * Checks that the key's type still allows its scopes. If the ceiling was lowered after the key was created, the key keeps its
 * scopes, but they can't be passed on to a new key.
 * @throws Refusal BAD_USER_INPUT
 */
export function assertWithin(ceilings: Ceilings, { type, scopes }: KeyRecord): void {
  const beyond = scopes.find((scope) => !ceilings.admits(type, scope));
  if (beyond === undefined) return;
  throw badInput(
    ['input', 'id'],
    `A ${type} key can no longer have ${beyond}. Allowed: ${ceilings.inWords(type)}. Update its scopes first.`,
  );
}

/**
 * Returns the new key of a rotation. If the old key was created with a lifetime, the lifetime starts again (at most until
 * the end of the year 9999). An expiry that was set later stays as it is.
 */
export function successorOf(old: KeyRecord, actor: Actor, now: number): NewKey {
  const { lifetime } = old;
  return {
    ...pick(old, INHERITED_FIELDS),
    expiresAt: lifetime === null ? capped(old.expiresAt) : addToMoment(now, lifetime),
    replaces: old.id,
    createdBy: actor.keyId,
    createdAt: now,
  };
}

/** Earlier releases allowed expiry after the year 9999, which the API can't represent. */
function capped(expiresAt: number | null): number | null {
  return expiresAt === null ? null : clampMoment(expiresAt);
}

/** Returns the changed key. @throws Refusal if the key was not changed */
export function changed(change: KeyChange, verb: Verb): KeyRecord {
  switch (change.outcome) {
    case 'changed':
      return change.key;
    case 'unknown':
      throw notFound('key');
    case 'moved':
      throw unavailable('Another request is changing the key. Try again.', 1);
    case 'full':
      // The service handles this outcome, because the message needs the limits of the tier.
      throw new Error('The workspace has the maximum number of keys of its tier.');
    case 'ended':
    case 'replaced':
      throw unchangeable(change.key, verb, change.outcome);
    case 'userLeft':
    case 'authorEnded':
      throw forfeited(change.outcome);
    // A custom store may return anything.
    default:
      throw new Error('The store returned an unknown outcome. The key may not have been changed.');
  }
}

/** Returns the refusal for a key's user, or the caller's key, that was removed while the request ran. */
export function forfeited(outcome: Forfeit): Refusal {
  if (outcome === 'userLeft') return notFound('user');
  return new Refusal('Your key was revoked while this request ran.', { code: 'UNAUTHENTICATED', reason: 'revoked' });
}

/** The requested change, as used in messages: "The key cannot be …". */
export type Verb = 'rotated' | 'expired' | 'changed' | 'revoked';

/** Returns the refusal for a change of an ended or replaced key. A replaced key can still get an earlier end. */
export function unchangeable(key: KeyRecord, verb: Verb, outcome: 'ended' | 'replaced'): Refusal {
  const successor = key.revokedAt === null ? key.replacedBy : null;
  if (successor !== null && outcome === 'replaced') {
    if (verb !== 'expired') {
      return badInput(ID, `The key was replaced by ${successor} and cannot be ${verb} again. Use that key instead.`);
    }
    const end = key.expiresAt === null ? '' : ` than ${formatMoment(key.expiresAt)}`;
    return badInput(
      ['input', 'at'],
      `The key was replaced by ${successor}, so it cannot expire later${end}. Choose an earlier time, or use that key instead.`,
    );
  }
  const state = key.revokedAt !== null ? 'is revoked' : 'has expired';
  const what = verb === 'expired' ? 'its expiry cannot be changed' : `cannot be ${verb}`;
  const next = successor === null ? 'Create a new one.' : `It was replaced by ${successor}: use that key.`;
  return badInput(ID, `The key ${state}${verb === 'expired' ? ', so' : ' and'} ${what}. ${next}`);
}

const ID = ['input', 'id'] as const;

/** Returns the refusal for a workspace with the maximum number of keys. */
export function keyLimitReached(tier: Tier, kind: PlaceKind, max: number, current: number): Refusal {
  return new Refusal(
    `The workspace already has ${current === max ? 'the ' : ''}${placesInWords(kind, current)}${current === max ? ` that ${tier} allows` : `, and ${tier} allows ${max}`}. Revoke one that you don't need, or ask for a higher tier.`,
    { code: 'KEY_LIMIT_REACHED', max, current },
  );
}
