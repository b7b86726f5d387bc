import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type DocumentNode } from 'graphql';
import { dataOf } from './answer.js';
import { LatchkeyError } from './errors.js';
import { fetchWith } from './fetch.js';
import { operationOf } from './operation.js';
import { resolveOptions, type ClientOptions, type Resolved } from './options.js';
import { checkRequest, checkSubscription, type RequestOptions, type SubscribeOptions } from './requestOptions.js';
import { send } from './send.js';
import { resultsOf } from './subscribe.js';
import { link } from './waiting.js';

/** A document that does not say what it takes and answers. */
type Untyped = string | (DocumentNode & { readonly __apiType?: never });

/** Variables may be left out where none is needed. */
type Given<V, O> = Record<string, never> extends V ? [variables?: V, options?: O] : [variables: V, options?: O];

/** Its methods need no `this`. */
export interface Client {
  /**
   * Runs a query or a mutation. Rejects with one of the classes of LatchkeyError where the answer has errors, or there is
   * none; `data` of it is what was answered beside them.
   */
  request<R, V>(this: void, document: TypedDocumentNode<R, V>, ...rest: Given<V, RequestOptions>): Promise<R>;
  // What an untyped document answers is the caller's to say.
  // oxlint-disable-next-line typescript/no-explicit-any, typescript/no-unnecessary-type-parameters
  request<R = any, V = Record<string, unknown>>(
    this: void,
    document: Untyped,
    variables?: V,
    options?: RequestOptions,
  ): Promise<R>;
  /**
   * Runs a subscription: each result as it comes, over as many connections as it takes. Ends with its source, with
   * `return()`, which a `break` calls, and with the client. Rejects where the server refuses it, or as many tries in a row
   * failed as `maxRetries` allows.
   */
  subscribe<R, V>(
    this: void,
    document: TypedDocumentNode<R, V>,
    ...rest: Given<V, SubscribeOptions>
  ): AsyncIterableIterator<R>;
  // oxlint-disable-next-line typescript/no-explicit-any, typescript/no-unnecessary-type-parameters
  subscribe<R = any, V = Record<string, unknown>>(
    this: void,
    document: Untyped,
    variables?: V,
    options?: SubscribeOptions,
  ): AsyncIterableIterator<R>;
  /** For Apollo Client, urql, graphql-request and others: see {@link createFetch}. */
  readonly fetch: typeof fetch;
  /** Rejects what is on its way, with the code CLOSED, and ends subscriptions. Idempotent. */
  close(this: void): Promise<void>;
}

/**
 * A client of a Latchkey API. Clients of one process that have the same key and url take turns together.
 *
 * @example
 * const client = createClient({ url: 'https://api.example.com/graphql' });
 * const { assets } = await client.request('{ assets { name } }');
 *
 * @throws TypeError that names the option at fault
 */
export function createClient(given: ClientOptions = {}): Client {
  return clientWith(resolveOptions('createClient', given));
}

/** Returns a client with options that are checked. */
export function clientWith(options: Resolved): Client {
  const closing = new AbortController();

  async function request(
    document: DocumentNode | string,
    variables?: unknown,
    given: RequestOptions = {},
  ): Promise<unknown> {
    checkRequest(document, variables, given);
    const { signal: own, operationName } = given;
    const query = textOf(document);
    const { signal, release } = link(own, closing.signal);
    try {
      const response = await send(options, {
        url: options.url,
        init: {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/graphql-response+json, application/json;q=0.9',
          },
          body: JSON.stringify({ query, variables, operationName }),
        },
        operation: operationOf(query, operationName),
        signal,
        streams: false,
      });
      return await dataOf(response);
    } finally {
      release();
    }
  }

  function subscribe(
    document: DocumentNode | string,
    variables?: unknown,
    given: SubscribeOptions = {},
  ): AsyncIterableIterator<unknown> {
    checkSubscription(document, variables, given);
    const { signal: own, operationName, onReconnect } = given;
    const { controller, release } = link(own, closing.signal);
    const results = resultsOf(options, { query: textOf(document), variables, operationName, onReconnect }, controller);
    const ended = { done: true, value: undefined } as const;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        try {
          const next = await results.next();
          if (next.done === true) release();
          return next;
        } catch (error) {
          release();
          if (controller.signal.aborted && own?.aborted !== true) return ended;
          throw error;
        }
      },
      // A generator that waits for the next event hears of no return(): the connection goes first.
      async return() {
        controller.abort();
        release();
        await results.return().catch(() => undefined);
        return ended;
      },
    };
  }

  return {
    request,
    subscribe,
    fetch: fetchWith(options, closing.signal),
    close: async () => closing.abort(new LatchkeyError('The client is closed. Create another.', { code: 'CLOSED' })),
  };
}

/** As it was written, where it is text: keys may be bound to that. */
const texts = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode | string): string {
  if (typeof document === 'string') return document;
  let text = texts.get(document);
  if (text === undefined) texts.set(document, (text = print(document)));
  return text;
}
