import type { GraphQLFormattedError } from 'graphql';
import { TOKEN_PATTERN } from './token.js';

/** Returns the error with each token in its message and extensions replaced by `[key]`. */
export function withoutTokens<E extends GraphQLFormattedError>(error: E): E {
  const message = redacted(error.message);
  const { extensions } = error;
  const text = extensions === undefined ? undefined : jsonOf(extensions);
  if (text === undefined) return message === error.message ? error : { ...error, message };
  // Extensions that can't be serialized can't be sent. Only the code is kept.
  if (text === null) return { ...error, message, extensions: { code: extensions?.code } };
  const clean = JSON.parse(text, (_, value: unknown) => redactedIn(value)) as Record<string, unknown>;
  if (JSON.stringify(clean) === text) return message === error.message ? error : { ...error, message };
  return { ...error, message, extensions: clean };
}

/**
 * Returns a value of JSON without tokens in its text and in its names. The JSON itself is not searched: in `"\nlks_live_…"`, the
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
