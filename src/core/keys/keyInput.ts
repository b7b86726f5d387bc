import { badInput, Refusal } from '../errors/refusal.js';
import { expandBundles, BUNDLES } from '../scopes/bundles.js';
import { OWN_CEILINGS, type Ceilings } from '../scopes/ceilings.js';
import { missingOf, parseScope } from '../scopes/grammar.js';
import { isAddressOrRange } from '../net/addressList.js';
import type { KeyType } from '../store/records.js';
import type { KeyFilter } from '../store/keyStore.js';
import { faultOfText, isBlank, isFarLonger, normalise, tooLong } from '../../shared/text/characters.js';

type Path = readonly (string | number)[];

const MAX_NAME_LENGTH = 100;
const MAX_REASON_LENGTH = 500;
const MAX_SCOPES = 100;
const MAX_ADDRESSES = 100;
export const MAX_DOCUMENTS = 1_000;

const SHA_256 = /^[0-9a-f]{64}$/i;

/** Returns a valid name, trimmed and in NFC. @throws Refusal BAD_USER_INPUT */
export function checkName(name: string, path: Path = ['input', 'name']): string {
  const fault = faultOfName(name);
  if (fault !== null) throw badInput(path, `The name ${fault}.`);
  return normalise(name.trim());
}

/** Returns what is wrong with a name, such as `is blank. Write 1 to 100 characters`; null if it is valid. */
export function faultOfName(name: string): string | null {
  if (isFarLonger(name, MAX_NAME_LENGTH)) return tooLong(MAX_NAME_LENGTH);
  if (isBlank(name)) return `is blank. Write 1 to ${MAX_NAME_LENGTH} characters`;
  return faultOfText(name.trim(), MAX_NAME_LENGTH);
}

/** Returns whether a text is a valid name that needs no trimming. */
export function isName(name: string): boolean {
  return name.trim() === name && faultOfName(name) === null;
}

/** Returns a valid reason, trimmed and in NFC. It may have several lines. null if none. @throws Refusal BAD_USER_INPUT */
export function checkReason(reason: string | null | undefined): string | null {
  if (reason == null) return null;
  const isTooLong = isFarLonger(reason, MAX_REASON_LENGTH);
  if (!isTooLong && isBlank(reason)) return null;
  const fault = isTooLong ? tooLong(MAX_REASON_LENGTH) : faultOfText(reason, MAX_REASON_LENGTH, { lines: true });
  if (fault !== null) throw badInput(['input', 'reason'], `The reason ${fault}.`);
  return normalise(reason.trim());
}

/**
 * Checks the trusted documents of a key. An empty list is refused, because it could be read as "no document" or as "any
 * document", and a wrong guess would open the key. This prevents removing a restriction from a key.
 *
 * @returns the distinct digests in lower case; null if none are given: no restriction, or no change
 * @throws Refusal BAD_USER_INPUT
 */
export function checkTrustedDocuments(digests: readonly string[] | null | undefined): string[] | null {
  if (digests == null) return null;
  const path = ['input', 'trustedDocuments'];
  if (digests.length === 0 || digests.length > MAX_DOCUMENTS) {
    throw badInput(
      path,
      `A key can have 1 to ${MAX_DOCUMENTS} trusted documents. For a key that runs any document, create one without trustedDocuments.`,
    );
  }
  const wrong = digests.findIndex((digest) => !SHA_256.test(digest));
  if (wrong !== -1) {
    throw badInput([...path, wrong], 'Give the SHA-256 of the document as 64 hexadecimal digits.');
  }
  return [...new Set(digests.map((digest) => digest.toLowerCase()))];
}

/** Returns the error for an invalid ID in an argument. */
export function invalidId(argument: string): string {
  return `Invalid ID in ${argument}. An ID has 1 to 64 letters, digits and underscores.`;
}

/** Returns whether a text can be an ID. Check before reading the store: it may reject some characters, such as NUL. */
export function isId(id: string): boolean {
  return /^\w{1,64}$/.test(id);
}

/** Returns distinct addresses and CIDR ranges. @throws Refusal BAD_USER_INPUT */
export function checkAddresses(addresses: readonly string[]): string[] {
  const path = ['input', 'allowedAddresses'];
  if (addresses.length > MAX_ADDRESSES)
    throw badInput(path, `A key has at most ${MAX_ADDRESSES} addresses and ranges.`);
  addresses.forEach((item, i) => {
    if (isAddressOrRange(item)) return;
    throw badInput(
      [...path, i],
      `Invalid address${shownAs(item, PLAIN_ADDRESS)}. Use IPv4 or IPv6 addresses, or ranges such as 192.0.2.0/24 and 2001:db8::/32.`,
    );
  });
  return [...new Set(addresses)];
}

/** The maximum length of an external ID. */
const MAX_EXTERNAL_ID = 128;

/**
 * Returns an external ID; null if none.
 *
 * @throws Refusal BAD_USER_INPUT
 */
export function checkExternalId(id: string | null, path: Path = ['input', 'externalId']): string | null {
  if (id === null || isExternalId(id)) return id;
  throw badInput(
    path,
    `Invalid external ID. Use 1 to ${MAX_EXTERNAL_ID} letters, digits and other visible ASCII characters.`,
  );
}

/** Returns whether a text can be an external ID. Without spaces and accents, so that two IDs never look the same. */
function isExternalId(id: string): boolean {
  return id.length <= MAX_EXTERNAL_ID && /^[!-~]+$/.test(id);
}

/** Returns the filter. @throws Refusal BAD_USER_INPUT if no key can match it */
export function checkFilter(filter: KeyFilter): KeyFilter {
  const { nameContains, scope, projectId, userId, externalId } = filter;
  checkExternalId(externalId ?? null, ['filter', 'externalId']);
  if (nameContains !== undefined) {
    // Part of a name may start or end with a joiner or a variation selector. The search ignores them.
    const fault = isFarLonger(nameContains, MAX_NAME_LENGTH)
      ? tooLong(MAX_NAME_LENGTH)
      : faultOfText(nameContains.replace(/\p{Join_Control}|\p{Variation_Selector}/gu, ''), MAX_NAME_LENGTH);
    if (fault !== null) throw badInput(['filter', 'nameContains'], `The part of a name ${fault}.`);
  }
  if (scope !== undefined && parseScope(scope) === null) {
    throw badInput(['filter', 'scope'], `Invalid scope${shownScope(scope)}. Use a scope of a key, such as read:all.`);
  }
  for (const [field, id] of Object.entries({ projectId, userId })) {
    if (id !== undefined && !isId(id)) throw badInput(['filter', field], invalidId(field));
  }
  return filter;
}

/**
 * Checks the scopes of a key and expands bundles.
 * @param wanted the scopes and bundles that the caller gave
 * @param options the key's type, the scopes of the schema and of the caller, and the maximum scopes by key type
 * @throws Refusal BAD_USER_INPUT for an unknown scope or one that the type can't have, SCOPE_NOT_HELD
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
      throw badInput(path, `${unknownScope(scope, i)} Known scopes: ${namesOf(known)}.`, {
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

/** Checks that a key grants only its own scopes. Otherwise it could create a stronger key. @throws Refusal SCOPE_NOT_HELD */
export function assertHeld(held: readonly string[], scopes: readonly string[]): void {
  const missing = missingOf(held, scopes);
  if (missing.length === 0) return;
  throw new Refusal(
    `Your key does not have ${missing.join(' and ')}, so it can't create or change a key that does. Use a key that has these scopes.`,
    {
      code: 'SCOPE_NOT_HELD',
      missing,
    },
  );
}

/** A wrong scope or address that errors may show. Any other text could be a secret in the wrong place. */
const PLAIN_SCOPE = /^(?:[a-z-]{1,20}:[a-z_-]{1,20}|[a-z_-]{1,11})$/i;
const PLAIN_ADDRESS = /^(?=.*[.:])[0-9a-f.:/]{1,50}$/i;

/** Returns a colon and a wrong scope, for an error; an empty text if the scope may be a secret. */
export function shownScope(scope: string): string {
  return shownAs(scope, PLAIN_SCOPE);
}

/** Returns which scope is unknown: the scope itself, or its position in the list. */
function unknownScope(scope: string, index: number): string {
  return PLAIN_SCOPE.test(scope)
    ? `There is no such scope: ${JSON.stringify(scope)}.`
    : `Scope ${index + 1} of the list is unknown. It is not shown here, because it may be a secret.`;
}

/** Returns a colon and the text, for an error message; empty if the text may be a secret. */
function shownAs(text: string, plain: RegExp): string {
  return plain.test(text) ? `: ${JSON.stringify(text)}` : '';
}

function namesOf(known: readonly string[]): string {
  return [...known, ...BUNDLES.keys()].join(', ');
}
