import { badInput, Refusal } from '../refusals/refusal.js';
import { expandBundles, BUNDLES } from '../scopes/bundles.js';
import { OWN_CEILINGS, type Ceilings } from '../scopes/ceilings.js';
import { missingOf, parseScope } from '../scopes/grammar.js';
import { isAddressOrRange } from '../net/addressList.js';
import type { KeyType } from '../store/records.js';
import type { KeyFilter } from '../store/store.js';
import { faultOfText, isBlank, normalise } from '../text/characters.js';

type Path = readonly (string | number)[];

const MAX_NAME_LENGTH = 100;
const MAX_REASON_LENGTH = 500;
const MAX_SCOPES = 100;
const MAX_ADDRESSES = 100;
export const MAX_DOCUMENTS = 1_000;

const SHA_256 = /^[0-9a-f]{64}$/i;

/** Returns a name for people: trimmed, in NFC. @throws Refusal BAD_USER_INPUT */
export function checkName(name: string, path: Path = ['input', 'name']): string {
  const fault = faultOfName(name);
  if (fault !== null) throw badInput(path, `The name ${fault}.`);
  return normalise(name.trim());
}

/** Says what is wrong with a name: `is blank. Write 1 to 100 characters`. null: nothing */
export function faultOfName(name: string): string | null {
  if (isBlank(name)) return `is blank. Write 1 to ${MAX_NAME_LENGTH} characters`;
  return faultOfText(name.trim(), MAX_NAME_LENGTH);
}

/** Returns whether a text is a name that needs no trimming. */
export function isName(name: string): boolean {
  return name.trim() === name && faultOfName(name) === null;
}

/** Returns a reason for people: trimmed, in NFC, possibly of several lines. @throws Refusal BAD_USER_INPUT */
export function checkReason(reason: string | null | undefined): string | null {
  if (reason == null || isBlank(reason)) return null;
  const fault = faultOfText(reason, MAX_REASON_LENGTH, { lines: true });
  if (fault !== null) throw badInput(['input', 'reason'], `The reason ${fault}.`);
  return normalise(reason.trim());
}

/**
 * The documents that a key shall be bound to, each once and in lower case. A key that is bound is never freed again: an
 * empty list would have to mean either nothing or anything, and who reads it otherwise than we do opens the key.
 *
 * @returns null where none are given: then nothing is to be bound, or to be changed
 */
export function checkTrustedDocuments(digests: readonly string[] | null | undefined): string[] | null {
  if (digests == null) return null;
  const path = ['input', 'trustedDocuments'];
  if (digests.length === 0 || digests.length > MAX_DOCUMENTS) {
    throw badInput(
      path,
      `A key is bound to 1 to ${MAX_DOCUMENTS} documents. For one that runs any, create a key without them.`,
    );
  }
  const wrong = digests.findIndex((digest) => !SHA_256.test(digest));
  if (wrong !== -1) {
    throw badInput([...path, wrong], "A document is named by its text's SHA-256, in 64 hexadecimal digits.");
  }
  return [...new Set(digests.map((digest) => digest.toLowerCase()))];
}

/** Could it be the id of a key or a workspace? What could not is unknown without asking a store, which takes no NUL. */
export function isId(id: string): boolean {
  return /^\w{1,64}$/.test(id);
}

/** Addresses and CIDR ranges, without repeats. @throws Refusal BAD_USER_INPUT */
export function checkAddresses(addresses: readonly string[]): string[] {
  const path = ['input', 'allowedAddresses'];
  if (addresses.length > MAX_ADDRESSES)
    throw badInput(path, `A key has at most ${MAX_ADDRESSES} addresses and ranges.`);
  addresses.forEach((item, i) => {
    if (isAddressOrRange(item)) return;
    throw badInput(
      [...path, i],
      'Invalid address. Use IPv4 or IPv6 addresses, or ranges such as 192.0.2.0/24 and 2001:db8::/32.',
    );
  });
  return [...new Set(addresses)];
}

/** @throws Refusal BAD_USER_INPUT for a filter that no key can match */
export function checkFilter(filter: KeyFilter): KeyFilter {
  const { nameContains, scope, projectId, userId } = filter;
  if (nameContains !== undefined) {
    // A part of a name may end at a joiner, which the search ignores.
    const fault = faultOfText(nameContains.replace(/[\u200c\u200d]/g, ''), MAX_NAME_LENGTH);
    if (fault !== null) throw badInput(['filter', 'nameContains'], `The part of a name ${fault}.`);
  }
  if (scope !== undefined && parseScope(scope) === null) {
    throw badInput(['filter', 'scope'], 'Invalid scope. Use a scope of a key, such as read:all.');
  }
  for (const [field, id] of Object.entries({ projectId, userId })) {
    if (id !== undefined && !isId(id)) throw badInput(['filter', field], 'Invalid ID.');
  }
  return filter;
}

/**
 * The scopes that a key of a type shall hold, bundles expanded.
 * @param known what the schema knows @param held what the one who grants them holds
 * @param ceilings of key types; default: their own
 * @throws Refusal BAD_USER_INPUT for an unknown scope or one above the type's ceiling, SCOPE_NOT_HELD
 */
export function checkScopes(
  wanted: readonly string[],
  {
    type,
    known,
    held,
    ceilings = OWN_CEILINGS,
  }: {
    readonly type: KeyType;
    readonly known: readonly string[];
    readonly held: readonly string[];
    readonly ceilings?: Ceilings;
  },
): string[] {
  if (wanted.length === 0 || wanted.length > MAX_SCOPES) {
    throw badInput(['input', 'scopes'], `A key has 1 to ${MAX_SCOPES} scopes. Known scopes: ${namesOf(known)}.`, {
      known,
    });
  }
  wanted.forEach((scope, i) => {
    const path = ['input', 'scopes', i];
    const isKnown = BUNDLES.has(scope) || (parseScope(scope) !== null && known.includes(scope));
    if (!isKnown) {
      throw badInput(path, `There is no such scope. Known are ${namesOf(known)}.`, {
        known: [...known, ...BUNDLES.keys()],
      });
    }
    if (expandBundles([scope]).some((expanded) => !ceilings.admits(type, expanded))) {
      throw badInput(path, `A ${type} key cannot have ${scope}. Allowed: ${ceilings.inWords(type)}.`);
    }
  });
  const scopes = expandBundles(wanted);
  assertHeld(held, scopes);
  return scopes;
}

/** A key grants only what it holds: otherwise it could make itself a stronger one. @throws Refusal SCOPE_NOT_HELD */
export function assertHeld(held: readonly string[], scopes: readonly string[]): void {
  const missing = missingOf(held, scopes);
  if (missing.length === 0) return;
  throw new Refusal(
    `Your key does not have ${missing.join(' and ')}, so it can't grant or manage such keys. Use a key that has these scopes.`,
    {
      code: 'SCOPE_NOT_HELD',
      missing,
    },
  );
}

function namesOf(known: readonly string[]): string {
  return [...known, ...BUNDLES.keys()].join(', ');
}
