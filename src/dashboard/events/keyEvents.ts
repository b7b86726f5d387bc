import { stringifyDocument } from '@urql/core';
import { createClient, NetworkError } from 'graphql-sse';
import { refusalFault, type Fault } from '../api/apiFault.js';
import { KeyEventsDocument, type KeyEventsSubscription } from '../generated/graphql.js';
import { API } from '../place.js';

export type KeyEvent = NonNullable<KeyEventsSubscription['keyEvents']>;

/** The state of a stream. */
export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** The connection was lost. `until` is when it is opened again, in ms since the epoch. */
  | { readonly kind: 'waiting'; readonly until: number }
  /** The server rejected it, and trying again would not help. */
  | { readonly kind: 'ended'; readonly fault: Fault };

interface KeyEventsOptions {
  /** The value of the Authorization header. */
  readonly authorization: () => Promise<string>;
  readonly onEvent: (event: KeyEvent) => void;
  readonly onState: (state: StreamState) => void;
}

const STREAM = `${API}/stream`;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** The server sends a heartbeat every 15 seconds. After three missing heartbeats the connection is lost, whatever the browser reports. */
const SILENCE = 45_000;

/** Receives events of keys until it is closed, and reconnects whenever the connection is lost. */
export function hearKeyEvents({ authorization, onEvent, onState }: KeyEventsOptions): () => void {
  let closed = false;
  let losses = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let drop = (): void => undefined;

  const connect = (): void => {
    clearTimeout(timer);
    drop();
    onState({ kind: 'connecting' });
    const watched = watchedFetch(() => lost(null));
    const client = createClient({
      url: STREAM,
      credentials: 'omit',
      headers: async () => ({ authorization: await authorization() }),
      fetchFn: watched.fetch,
      // The library's own waits do not report their length.
      retryAttempts: 0,
    });
    let current = true;
    const stop = client.subscribe<KeyEventsSubscription>(
      { query: stringifyDocument(KeyEventsDocument) },
      {
        next: ({ data, errors }) => {
          const [error] = errors ?? [];
          if (error !== undefined) lost(refusalFault(error.message, error.extensions, Date.now()));
          else if (data?.keyEvents != null) onEvent(data.keyEvents);
        },
        error: (error) => current && void faultIn(error).then(lost),
        complete: () => current && lost(null),
      },
      {
        connected: () => {
          losses = 0;
          onState({ kind: 'connected' });
        },
      },
    );
    drop = () => {
      current = false;
      watched.stop();
      stop();
      client.dispose();
    };
  };

  const ended = (fault: Fault): void => {
    drop();
    if (!closed) onState({ kind: 'ended', fault });
  };

  const lost = (fault: Fault | null): void => {
    if (closed) return;
    if (fault !== null && isFinal(fault)) {
      ended(fault);
      return;
    }
    drop();
    const told = fault !== null && 'retryAfter' in fault ? fault.retryAfter * 1_000 : 0;
    const wait = Math.max(told, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** losses));
    losses += 1;
    onState({ kind: 'waiting', until: Date.now() + wait });
    timer = setTimeout(connect, wait);
  };

  const hurry = (): void => {
    if (losses > 0) connect();
  };
  addEventListener('online', hurry);
  connect();
  return () => {
    closed = true;
    clearTimeout(timer);
    removeEventListener('online', hurry);
    drop();
  };
}

/** Returns whether another attempt would fail in the same way. A reader that was too slow for one stream may keep up with the next. */
function isFinal(fault: Fault): boolean {
  switch (fault.kind) {
    case 'signedOut':
    case 'forbidden':
    case 'failed':
      return true;
    case 'refused':
      return fault.code !== 'STREAM_OVERFLOW';
    case 'limited':
    case 'unavailable':
    case 'offline':
      return false;
  }
}

/** Returns the error that the server sent instead of a stream; null if there was no response. */
async function faultIn(error: unknown): Promise<Fault | null> {
  const response = error instanceof NetworkError ? (error as NetworkError<Response>).response : undefined;
  if (response === undefined) return null;
  try {
    const { errors } = (await response.json()) as { errors?: { message: string; extensions?: object }[] };
    const [refusal] = errors ?? [];
    return refusal === undefined ? null : refusalFault(refusal.message, { ...refusal.extensions }, Date.now());
  } catch {
    return null;
  }
}

/** Returns a fetch that notices when a response stops without an end. */
function watchedFetch(silent: () => void): { readonly fetch: typeof fetch; readonly stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(silent, SILENCE);
  };
  return {
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!response.ok || response.body === null) return response;
      heard();
      const body = response.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, controller) => {
            heard();
            controller.enqueue(chunk);
          },
        }),
      );
      return new Response(body, response);
    },
    stop: () => clearTimeout(timer),
  };
}
