import { hash } from 'node:crypto';
import { joinClues, reduceClues, type Reduced } from '../../../shared/text/clues/reduce.js';
import { isLookup } from '../../../shared/text/clues/lookups.js';
import { mayBeSecret } from '../../../shared/text/clues/looksSecret.js';
import { LOOKUP_LENGTH } from '../../../shared/text/tokenShape.js';
import { usage } from '../../exit.js';

const ON_STDIN = 'Write it to standard input instead: latchkey keys find - < token.txt';
const FORMS =
  'Write a token or its beginning (lks_live_Ab12Cd), a lookup ID, a key ID (key_…), ' +
  'a token of another system, or its SHA-256 (sha256:…).';

/** The longest prefix of an imported key. */
const MAX_SHOWN = 24;

/** The text that is sent to the server to find a key. */
export interface Clue {
  /** Never contains a part of a secret. Empty if only names are searched. */
  readonly text: string;
  /** A note about the input for the user; null if there is none. */
  readonly warning: string | null;
  /** The text may be the prefix of an imported key, or a lookup ID. The server refuses it if no key has it. */
  readonly isGuess?: true;
}

/**
 * Reduces an argument to the text that finds a key by its token or ID. A part of a name contains no such text.
 *
 * @throws Failure if the argument contains a part of a secret, or looks like a token of another system
 */
export function clueInArgument(argument: string): Clue {
  const text = argument.trim();
  if (text === '') throw usage('The text to find is empty. Give a part of a name, a prefix, a lookup ID or a key ID.');
  const { clues, names, secrets, hasSecret, word } = reduced(text);
  if (secrets.length > 0) {
    throw usage(
      `The argument looks like a token, and other users can see arguments. ${ON_STDIN} ` +
        'For a key with such a name, use: latchkey keys list --name. Before a SHA-256, write sha256:.',
    );
  }
  if (hasSecret) {
    throw usage(`The argument contains a part of the key's secret, which other users can see. ${ON_STDIN}`);
  }
  if (clues.length > 0) return { text: joinClues(clues), warning: null };
  if (word !== null && word.length <= MAX_SHOWN) return { text: word, warning: null, isGuess: true };
  return names.length > 0 ? { text: names.join(' '), warning: null, isGuess: true } : { text: '', warning: null };
}

/**
 * Reduces a text with a token to the value that finds its key: the lookup ID of a Latchkey token, the SHA-256 of any
 * other.
 *
 * @throws Failure if the text has several tokens, or none
 */
export function clueInToken(text: string): Clue {
  const { clues, names, secrets, state, word } = reduced(text);
  // A short word without a prefix may be a token of another system.
  const isUnclear = word !== null && clues.length === 1 && clues[0] === word && /^[0-9A-Za-z]+$/.test(word);
  if (isUnclear && !isLookup(word)) return { text: digestOf(word), warning: null };
  // The lookup ID is sufficient to identify the key of a complete token.
  const isComplete = state === 'whole' || state === 'mistyped';
  const sent = clues.map((clue, i) => (isComplete && i === 0 ? clue.slice(-LOOKUP_LENGTH) : clue));
  const all = [...sent, ...secrets.map(digestOf)];
  if (all.length > 0) return { text: joinClues(all), warning: state === 'mistyped' ? MISTYPED : null };
  if (word !== null && mayBeSecret(word)) return { text: digestOf(word), warning: null };
  if (names.length > 0) return { text: names.join(' '), warning: null };
  throw usage(`Standard input has no token. ${FORMS}`);
}

const MISTYPED = 'The checksum of the token is wrong. It may be mistyped or incomplete.';

function reduced(text: string): Reduced {
  const result = reduceClues(text);
  if ('problem' in result) throw usage(result.problem);
  return result;
}

function digestOf(secret: string): string {
  return `sha256:${hash('sha256', secret, 'hex')}`;
}
