import type { GraphQLFormattedError } from 'graphql';
import { LatchkeyError, Unavailable } from './errors.js';
import { refused } from './refused.js';

/**
 * The largest response that is read. No response of Latchkey is larger, but another server at this address may send
 * more.
 */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** The deepest nesting of a response. Deeper JSON is not from Latchkey, and takes seconds to parse. */
const MAX_DEPTH = 200;

/** The result of a GraphQL operation. `errors` has only entries with a message. */
export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
}

/**
 * Returns the data of a response.
 *
 * @throws {@link LatchkeyError} if the response has errors or is not a GraphQL response
 */
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

/** Parses the body of a response. Returns null if it is not a JSON object. */
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

/** Returns whether lists and objects of a JSON text are nested deeper than `most` levels. Stops reading at the limit. */
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

/**
 * Reads the body of a response as text. Nothing is kept of a body that is too large.
 *
 * @param max in bytes. Default: 64 MiB
 * @throws {@link LatchkeyError} if it is larger
 */
export async function textOf(response: Response, max = MAX_ANSWER_BYTES): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of chunksOf(response.body)) {
    bytes += chunk.byteLength;
    if (bytes > max) {
      throw unreadable(`The response is larger than ${max} bytes. Request less data at a time.`, 'TOO_LARGE', response);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Yields the bytes of a body as they arrive, and cancels the body if the caller stops early. Uses a reader because some
 * browsers cannot iterate over a stream.
 *
 * @param silence the longest time without data, in ms. Default: no limit besides the request's timeout
 * @throws {@link Unavailable} after a longer time without data
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
    // Cancelling a stream that has already failed rejects with the same error again.
    reader.cancel().catch(() => undefined);
  }
}

async function heard<T>(reader: { read(): Promise<T> }, silence: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    const error = new Unavailable(`Received no data for ${silence} ms.`, { code: 'TIMEOUT' });
    timer = setTimeout(() => reject(error), silence);
  });
  const read = reader.read().catch((cause: unknown) => {
    throw new Unavailable('The connection was closed before the stream ended.', { code: 'UNREACHABLE', cause });
  });
  return Promise.race([read, silent]).finally(() => clearTimeout(timer));
}

function unreadable(message: string, code: string, { status, headers }: Response): LatchkeyError {
  return new LatchkeyError(message, { code, status, requestId: headers.get('x-request-id') });
}
