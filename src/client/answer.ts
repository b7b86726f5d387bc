import type { GraphQLFormattedError } from 'graphql';
import { LatchkeyError, Unavailable } from './errors.js';
import { refused } from './refused.js';

/** More than any answer of Latchkey's; what else answers at the address is not to fill the memory. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Deeper than any answer of a Latchkey API. JSON that nests without end takes seconds to parse, and is not passed on. */
const MAX_DEPTH = 200;

/** A result of GraphQL, as far as it is known to be one. */
export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
}

/** The data of an answer. @throws LatchkeyError where it has errors, or is no answer of GraphQL */
export async function dataOf(response: Response): Promise<unknown> {
  const { status, headers } = response;
  const result = resultOf(await response.text());
  if (result?.errors !== undefined) throw refused({ status, headers, errors: result.errors, data: result.data });
  if (!response.ok) throw refused({ status, headers, errors: [] });
  if (!isObject(result?.data)) {
    throw unreadable(
      'The response is not a GraphQL response. Check the address: it ends in /graphql.',
      'UNREADABLE',
      response,
    );
  }
  return result.data;
}

/** Returns null if the text is not a result. */
export function resultOf(text: string): Result | null {
  if (nestsDeeper(text, MAX_DEPTH)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { data, errors } = value as Record<string, unknown>;
  const list = Array.isArray(errors) ? errors.filter(isError) : [];
  return { ...(data !== undefined && { data }), ...(list.length > 0 && { errors: list }) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether lists and objects of a JSON text are within each other deeper than so many levels. Reads no further than that. */
function nestsDeeper(text: string, most: number): boolean {
  // Each level takes two characters.
  if (text.length <= 2 * most) return false;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > most) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

function isError(value: unknown): value is GraphQLFormattedError {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}

/** The text of an answer. Rejects with LatchkeyError where it is too large. */
export async function textOf(response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of chunksOf(response.body)) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw unreadable(
        `The answer is larger than ${MAX_ANSWER_BYTES} bytes. Ask for less at once.`,
        'TOO_LARGE',
        response,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * A body's bytes as they come. Left early, it is cancelled. By its reader: not every browser iterates over a stream.
 * @param silence ms that may pass without any; then it rejects with Unavailable. Default: the request's own time alone
 */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  silence = Infinity,
): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await (silence === Infinity ? reader.read() : heard(reader, silence));
      if (done) return;
      yield value;
    }
  } finally {
    // Of one that has ended, or has failed, nothing more is to be told.
    reader.cancel().catch(() => undefined);
  }
}

async function heard<T>(reader: { read(): Promise<T> }, silence: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    const error = new Unavailable(`Nothing came for ${silence} ms.`, { code: 'TIMEOUT' });
    timer = setTimeout(() => reject(error), silence);
  });
  const read = reader.read().catch((cause: unknown) => {
    throw new Unavailable('The stream was broken off.', { code: 'UNREACHABLE', cause });
  });
  return Promise.race([read, silent]).finally(() => clearTimeout(timer));
}

function unreadable(message: string, code: string, { status, headers }: Response): LatchkeyError {
  return new LatchkeyError(message, { code, status, requestId: headers.get('x-request-id') });
}
