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
  const clean = redacted(text);
  if (clean === text) return message === error.message ? error : { ...error, message };
  return { ...error, message, extensions: JSON.parse(clean) as Record<string, unknown> };
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
