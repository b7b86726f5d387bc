import { badInput, Refusal } from '../../core/errors/refusal.js';
import type { Asked } from '../../core/auth/verification/verification.js';
import { readAddress, UNKNOWN_ADDRESS } from '../../core/net/address.js';
import { shownScope } from '../../core/keys/keyInput.js';
import { parseScope } from '../../core/scopes/grammar.js';

/** The maximum number of tokens in a request, and of scopes to check for a token. */
const MAX_TOKENS = 100;
const MAX_SCOPES = 20;

/** The highest cost, so that it is an integer in every language. No tier allows more. */
const MAX_COST = 2 ** 31 - 1;

type Path = readonly (string | number)[];

/** `token_type_hint` (RFC 7662 section 2.1) is allowed and ignored, because all kinds of tokens are tried anyway. */
const PARAMETERS = ['token', 'token_type_hint', 'scope', 'cost', 'address'] as const;

/** The tokens of a request. */
export interface AskedOf {
  readonly asked: readonly Asked[];
  /** Whether the request has a list of tokens, so that the response has a list, too. */
  readonly isBatch: boolean;
}

/**
 * Reads a form, whose parameters are those of RFC 7662 and Latchkey's. Unlike that RFC, unknown parameters are refused: if a
 * misspelt `scope` were ignored, its check would be, too.
 *
 * @throws Refusal BAD_REQUEST or BAD_USER_INPUT. Its message contains no part of the request that could be a token
 */
export function askedByForm(text: string): AskedOf {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw bad('A parameter is in the form twice. Send each once.');
    fields.set(name, value);
  }
  const cost = fields.get('cost');
  const given = { ...Object.fromEntries(fields), ...(cost !== undefined && { cost: numberIn(cost) }) };
  return { asked: [readAsked(given, [])], isBatch: false };
}

/**
 * Reads a JSON body: an object with the same fields, or `{ "tokens": [ … ] }` with several such objects.
 * @throws Refusal BAD_REQUEST or BAD_USER_INPUT
 */
export function askedByJson(body: unknown): AskedOf {
  if (!isRecord(body)) throw bad(HOW_TO_SEND);
  if (!Object.hasOwn(body, 'tokens')) return { asked: [readAsked(body, [])], isBatch: false };
  const { tokens, ...others } = body;
  if (Object.keys(others).length > 0) throw bad('A list of tokens must be the only field. Put them into its items.');
  if (!Array.isArray(tokens) || tokens.length === 0 || tokens.length > MAX_TOKENS) {
    throw badInput(['tokens'], `Send a list of 1 to ${MAX_TOKENS} objects, each with a token.`);
  }
  return { asked: tokens.map((item: unknown, i) => readAsked(item, ['tokens', i])), isBatch: true };
}

const HOW_TO_SEND =
  'Send a form with token=…, or JSON: {"token": "…"} or {"tokens": [{"token": "…"}]}. Each token can have scope, cost and address.';

function readAsked(given: unknown, path: Path): Asked {
  if (!isRecord(given)) throw badInput(path, HOW_TO_SEND);
  const known: readonly string[] = PARAMETERS;
  if (!Object.keys(given).every((name) => known.includes(name))) {
    throw badInput(path, `There is an unknown parameter. Known parameters: ${PARAMETERS.join(', ')}.`, { known });
  }
  const { token, scope = '', cost = 0, address = null } = given;
  if (typeof token !== 'string' || token === '') {
    throw badInput([...path, 'token'], 'The token is missing. Send it as text.');
  }
  if (!isCost(cost)) {
    throw badInput([...path, 'cost'], `The cost must be an integer from 0 to ${MAX_COST}. 0 takes nothing.`);
  }
  return {
    token,
    scopes: readScopes(scope, [...path, 'scope']),
    cost,
    address: address === null ? null : readKnownAddress(address, [...path, 'address']),
  };
}

function readScopes(scope: unknown, path: Path): string[] {
  const scopes = typeof scope === 'string' ? scopesIn(scope) : null;
  if (scopes !== null) return scopes;
  const [wrong = ''] = typeof scope === 'string' ? invalidScopesIn(scope) : [];
  const fault =
    wrong === '' ? `The scopes are invalid, or more than ${MAX_SCOPES}` : `Invalid scope${shownScope(wrong)}`;
  throw badInput(path, `${fault}. Send valid scopes, separated by spaces, as in "read:orders write:orders".`);
}

function namesIn(text: string): string[] {
  return [...new Set(text.split(' ').filter((name) => name !== ''))];
}

function invalidScopesIn(text: string): string[] {
  return namesIn(text).filter((name) => parseScope(name) === null);
}

/** Returns the scopes in a text; null if it is not a list of valid scopes. */
export function scopesIn(text: string): string[] | null {
  const scopes = namesIn(text);
  return scopes.length <= MAX_SCOPES && invalidScopesIn(text).length === 0 ? scopes : null;
}

function readKnownAddress(address: unknown, path: Path): string {
  const read = typeof address === 'string' ? readAddress(address) : UNKNOWN_ADDRESS;
  if (read !== UNKNOWN_ADDRESS) return read;
  throw badInput(path, 'Invalid address. Send the IPv4 or IPv6 address of the caller who sent the token.');
}

function isCost(cost: unknown): cost is number {
  return Number.isSafeInteger(cost) && (cost as number) >= 0 && (cost as number) <= MAX_COST;
}

/** Returns NaN for a text that is not a plain number, such as `1e3` or an empty text. */
function numberIn(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string): Refusal {
  return new Refusal(message, { code: 'BAD_REQUEST' });
}
