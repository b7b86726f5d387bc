import type { GraphQLFormattedError } from 'graphql';
import { TOKEN_PATTERN } from './token.js';

/** Returns the error with each token in its message and extensions replaced by `[key]`. */
export function withoutTokens<E extends GraphQLFormattedError>(error: E): E {
  const message = redacted(error.message);
  const { extensions: given } = error;
  const text = given === undefined ? undefined : jsonOf(given);
  if (text === undefined) return message === error.message ? error : { ...error, message };
  // Extensions that can't be serialized can't be sent. Only the code is kept.
  if (text === null) return { ...error, message, extensions: { code: given?.code } };
  if (redacted(text) === text) return message === error.message ? error : { ...error, message };
  const extensions = JSON.parse(text, (_, value: unknown) => redactedIn(value)) as Record<string, unknown>;
  return { ...error, message, extensions };
}

/**
 * Returns a JSON value without the tokens in its strings and names. Nothing is replaced in the JSON itself: in `"\nlks_live_…"`, the
 * letter of the escape would look like the start of the token.
 */
function redactedIn(value: unknown): unknown {
  if (typeof value === 'string') return redacted(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [redacted(name), inner as unknown]));
}

function redacted(text: string): string {
  return text.replace(TOKEN_PATTERN, '[key]');
}

function jsonOf(value: object): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
