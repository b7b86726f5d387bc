import { until } from './until.js';

/** A stream that is being read, with the received data. */
export interface Reading {
  readonly status: number;
  readonly headers: Headers;
  /** The received results, in order. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into results freely.
  readonly results: readonly any[];
  /** All received text. */
  text(): string;
  /** Whether the response has ended, for any reason. */
  over(): boolean;
  /** Whether the server sent `complete` and ended the response. */
  completed(): boolean;
  /** Resolves with the first results when this number has arrived. */
  // oxlint-disable-next-line typescript/no-explicit-any
  first(count: number): Promise<readonly any[]>;
  /** Resolves with the last result when the server has ended the stream. */
  // oxlint-disable-next-line typescript/no-explicit-any
  last(): Promise<any>;
  /** The body of a response that is not a stream. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
  close(): void;
}

/**
 * Opens a stream. When it resolves with status 200, the source is listening, because the server writes the header after
 * that.
 *
 * @param origin without a path
 */
export async function openStream(
  origin: string,
  query: string,
  options: { token?: string | null; variables?: object; headers?: Record<string, string> } = {},
): Promise<Reading> {
  const { token = null, variables, headers = {} } = options;
  return readStream(`${origin}/graphql/stream`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, ...(variables !== undefined && { variables }) }),
  });
}

export async function readStream(url: string, init: RequestInit = {}): Promise<Reading> {
  const abort = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'text/event-stream', ...(init.headers as Record<string, string> | undefined) },
    signal: abort.signal,
  });
  let text = '';
  let over = false;
  const results: unknown[] = [];
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  let read = 0;
  const take = (chunk: string): void => {
    text += chunk;
    for (let end = text.indexOf('\n\n', read); end >= 0; end = text.indexOf('\n\n', read)) {
      const [, data] = /^event: next\ndata: (.*)$/.exec(text.slice(read, end)) ?? [];
      if (data !== undefined) results.push(JSON.parse(data));
      read = end + 2;
    }
  };
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) take(decoder.decode(chunk as Uint8Array, { stream: true }));
  })()
    .catch(() => undefined)
    .finally(() => (over = true));
  if (!isStream) await reading;
  return {
    status: response.status,
    headers: response.headers,
    results,
    text: () => text,
    over: () => over,
    completed: () => over && text.endsWith('event: complete\ndata:\n\n'),
    async first(count) {
      await until(() => results.length >= count, `${count} results`);
      return results.slice(0, count);
    },
    async last() {
      await until(() => over, 'the end of the stream');
      return results.at(-1);
    },
    body: isStream || text === '' ? null : (JSON.parse(text) as unknown),
    close: () => abort.abort(),
  };
}
