import { hash } from 'node:crypto';
import { isToken, lookupIdIn, TOKEN_PATTERN } from '../../../keys/token.js';
import { usage } from '../../exit.js';

/** A lookup id has 16 characters, and the secret follows it. */
const OWN = /^(?<prefix>[a-z][a-z0-9]{0,9}_(?:live|test))_(?<body>[0-9A-Za-z]{1,54})$/;
const LOOKUP_LENGTH = 16;
const KEY_ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;
const DIGEST = /^(?:sha256:)?[0-9a-f]{64}$/i;
/** Long, without white space, with a digit, a capital and a small letter: names look otherwise. */
const LIKE_A_TOKEN = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])\S{24,}$/;

const ON_STDIN = 'Write it to standard input instead: latchkey keys find - < token.txt';

/** What is sent to the server to find a key. */
export interface Clue {
  /** Never contains a part of a secret. */
  readonly text: string;
  /** What the caller should know about the input; null: nothing. */
  readonly warning: string | null;
}

/**
 * Checks what was given as an argument.
 *
 * @throws Failure if the text contains a part of a secret, or looks like a token of another system
 */
export function clueInArgument(argument: string): string {
  const text = argument.trim();
  if (text === '') throw usage('The text to find is empty. Give a part of a name, a prefix, a lookup ID or a key ID.');
  const { body = '' } = OWN.exec(text)?.groups ?? {};
  if (body.length > LOOKUP_LENGTH) {
    throw usage(`The argument contains a part of the key's secret, which other users can see. ${ON_STDIN}`);
  }
  if (OWN.test(text) || KEY_ID.test(text) || DIGEST.test(text) || !LIKE_A_TOKEN.test(text)) return text;
  throw usage(
    `The argument looks like a token, and other users can see arguments. ${ON_STDIN} ` +
      'For a key with such a name, use: latchkey keys list --name',
  );
}

/**
 * Reduces a token to what finds its key: the lookup ID of one of Latchkey's tokens, the SHA-256 of any other text.
 * The token may have other text around it, such as `API_KEY="…"`.
 *
 * @throws Failure if the line has several tokens
 */
export function clueInToken(line: string): Clue {
  const tokens = [...new Set(line.match(TOKEN_PATTERN))];
  if (tokens.length > 1) throw usage(`Standard input has ${tokens.length} tokens in its first line. Write one.`);
  const [token] = tokens;
  // Without the prefix: the pattern also takes letters before a token, as the `n` of `\nsk_live_…`.
  if (token !== undefined) return { text: lookupIdIn(token), warning: isWhole(token) ? null : MISTYPED };
  const text = line.trim().replace(/(?:…|\.{3})$/, '');
  const { prefix, body } = OWN.exec(text)?.groups ?? {};
  if (prefix !== undefined && body !== undefined) {
    return { text: `${prefix}_${body.slice(0, LOOKUP_LENGTH)}`, warning: null };
  }
  if (KEY_ID.test(text) || DIGEST.test(text)) return { text, warning: null };
  return { text: `sha256:${hash('sha256', text, 'hex')}`, warning: null };
}

const MISTYPED = 'The checksum of the token is wrong. It may be mistyped or incomplete.';

/** Whether the checksum of a token is right, or that of the same token with fewer letters before it. */
function isWhole(token: string): boolean {
  return Array.from({ length: token.indexOf('_') }, (_, i) => token.slice(i)).some(isToken);
}
