import type { CallToolResult } from '@modelcontextprotocol/server';

/**
 * The maximum length of a result's text, in characters. Models pay for each token, and longer results don't help them.
 */
export const MAX_TEXT = 200_000;

type Structured = Readonly<Record<string, unknown>>;

/** Returns a result as data and, for clients that only support text, as text. Returns an error if it is too long. */
export function told(
  value: Structured,
  remedy = 'Request less: search for more specific words, or describe another type.',
): CallToolResult {
  const text = JSON.stringify(value);
  return text.length > MAX_TEXT ? tooLong(text.length, remedy) : result(value, text, false);
}

/** Returns errors for the model, in the format of GraphQL. */
export function failed(errors: readonly unknown[], more: Structured = {}): CallToolResult {
  const value = { ...more, errors };
  return result(value, JSON.stringify(value), true);
}

/** @param remedy what to do, in a sentence */
export function tooLong(length: number, remedy: string): CallToolResult {
  const message = `The result has ${length} characters, more than the limit of ${MAX_TEXT}. ${remedy}`;
  return failed([{ message, extensions: { code: 'ANSWER_TOO_LONG' } }]);
}

function result(value: Structured, text: string, isError: boolean): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: { ...value }, ...(isError && { isError }) };
}
