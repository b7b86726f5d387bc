import { randomUUID } from 'node:crypto';
import { badInput, Refusal } from '../../errors/refusal.js';
import type { Actor, Origin } from '../../keys/actor.js';
import type { Authors } from '../../keys/author.js';
import { expandBundles } from '../../scopes/bundles.js';
import { ADMIN, missingOf, parseScope, PLATFORM } from '../../scopes/grammar.js';
import { shownScope } from '../../keys/keyInput.js';
import { authenticated } from '../principal.js';
import { DERIVED_TYPE, MAX_DERIVED_LENGTH } from './derivedForm.js';
import { claimsOf } from './principalClaims.js';
import { signedToken } from './signedToken.js';
import { LONGEST_TOKEN, type SigningKeys } from './processKeys.js';

/** The shortest lifetime of a derived token, in milliseconds. */
const SHORTEST = 60_000;

const MAX_SCOPES = 100;

/** Scopes that a derived token never has, so that a token of minutes can't create a key that lasts. */
const NEVER = [ADMIN, PLATFORM];

/** Visible ASCII, as in {@link DerivedTokensOptions.issuer}. */
const AUDIENCE = /^[\x21-\x7e]{1,200}$/;

export interface DeriveInput {
  readonly scopes: readonly string[];
  /** The lifetime in milliseconds. */
  readonly ttl: number;
  /** The service that accepts the token. Default: this installation. */
  readonly audience?: string | null | undefined;
}

export interface DerivedToken {
  readonly token: string;
  /** Its `jti`. */
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  readonly audience: string;
}

interface DerivedTokensOptions {
  readonly keys: SigningKeys;
  /** Reads the caller's key again. */
  readonly authors: Pick<Authors, 'judged'>;
  /** The name of this installation: the `iss` of the tokens, and the `aud` of the tokens that it accepts. */
  readonly issuer: string;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Derives tokens from keys: JWTs that are valid for minutes and have some of the scopes of the key. */
export class DerivedTokens {
  readonly #options: DerivedTokensOptions;

  constructor(options: DerivedTokensOptions) {
    this.#options = options;
  }

  /**
   * Derives a token from the caller's key. It ends with the key, if that is earlier.
   * @throws Refusal BAD_USER_INPUT, SCOPE_NOT_HELD, FORBIDDEN (not a stored key), UNAUTHENTICATED (the key has ended), UNAVAILABLE
   */
  async derive(actor: Actor, input: DeriveInput, origin?: Origin): Promise<DerivedToken> {
    const { keys, authors, issuer, now } = this.#options;
    assertStoredKey(actor);
    const scopes = checkScopes(input.scopes, actor.scopes);
    const ttl = checkLifetime(input.ttl);
    const audience = checkAudience(input.audience) ?? issuer;
    await keys.ready();
    // Last, so that a key that was revoked in the meantime derives nothing.
    const { judged } = await authors.judged(actor, origin);
    const iat = Math.floor(now() / 1_000);
    const exp = Math.min(iat + Math.floor(ttl / 1_000), Math.floor((judged?.expiresAt ?? Infinity) / 1_000));
    const id = randomUUID();
    const token = signedToken(keys.signer(exp * 1_000), DERIVED_TYPE, {
      ...{ iss: issuer, aud: audience, iat, exp, jti: id },
      ...claimsOf(authenticated({ ...actor, scopes })),
    });
    if (token.length > MAX_DERIVED_LENGTH) {
      throw badInput(
        ['input', 'scopes'],
        `The token would have ${token.length} characters, which is more than ${MAX_DERIVED_LENGTH}. Choose fewer scopes, or a scope that covers several, such as read:all.`,
      );
    }
    return { token, id, expiresAt: exp * 1_000, scopes, audience };
  }
}

/** @throws Refusal FORBIDDEN */
function assertStoredKey({ kind, tokenId }: Actor): void {
  if (tokenId !== undefined) {
    throw forbidden('A derived token cannot derive another one. Derive it with the key itself.');
  }
  if (kind !== 'key') {
    throw forbidden(
      'Only a key from the store can derive tokens: not a configured key, an access token or ADMIN_API_KEY. Create a key, and derive the token with it.',
    );
  }
}

function forbidden(message: string): Refusal {
  return new Refusal(message, { code: 'FORBIDDEN', missing: [], fields: [] });
}

/** Returns distinct scopes, with expanded bundles. @throws Refusal BAD_USER_INPUT, SCOPE_NOT_HELD */
function checkScopes(wanted: readonly string[], held: readonly string[]): readonly string[] {
  const path = ['input', 'scopes'];
  if (wanted.length === 0 || wanted.length > MAX_SCOPES) {
    throw badInput(path, `A derived token has 1 to ${MAX_SCOPES} scopes. List the scopes that its holder needs.`);
  }
  const scopes = [...new Set(expandBundles(wanted))];
  const wrong = scopes.findIndex((scope) => parseScope(scope) === null);
  if (wrong !== -1) {
    const shown = shownScope(scopes[wrong] ?? '');
    throw badInput(path, `Invalid scope${shown}. Use scopes of your key, such as read:orders.`);
  }
  const never = scopes.filter((scope) => NEVER.includes(scope));
  if (never.length > 0) {
    throw badInput(
      path,
      `A derived token cannot have ${never.join(' or ')}, because it would outlive its minutes by the keys that it creates. Name narrower scopes.`,
    );
  }
  const missing = missingOf(held, scopes);
  if (missing.length > 0) {
    throw new Refusal(
      `Your key does not have ${missing.join(' and ')}, so a token of it can't have it either. Leave it out, or use a key that has it.`,
      { code: 'SCOPE_NOT_HELD', missing },
    );
  }
  return scopes;
}

/** @throws Refusal BAD_USER_INPUT */
function checkLifetime(ttl: number): number {
  if (ttl >= SHORTEST && ttl <= LONGEST_TOKEN) return ttl;
  throw badInput(['input', 'ttl'], 'A derived token is valid for 1 to 60 minutes. Give a duration such as "PT15M".');
}

/** @returns null if none was given @throws Refusal BAD_USER_INPUT */
function checkAudience(audience: string | null | undefined): string | null {
  if (audience == null) return null;
  if (AUDIENCE.test(audience)) return audience;
  throw badInput(
    ['input', 'audience'],
    'An audience has 1 to 200 visible ASCII characters, such as "https://orders.example.com". Omit it for a token that Latchkey accepts itself.',
  );
}
