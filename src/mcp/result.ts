import type { CallToolResult } from '@modelcontextprotocol/server';

/** The longest text of a result, in characters: what a model reads, it pays for, and more of it helps none. */
export const MAX_TEXT = 200_000;

type Structured = Readonly<Record<string, unknown>>;

/** A result, as data and, for clients that know no more, as text. One that is too long is an error instead. */
export function told(value: Structured, remedy = 'Ask for less: a narrower search, or another type.'): CallToolResult {
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
