import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type DocumentNode } from 'graphql';
import { Callbacks } from '../shared/callbacks.js';
import { dataOf } from './readAnswer.js';
import { LatchkeyError } from './errors.js';
import { fetchWith } from './fetch.js';
import { operationOf } from './operation.js';
import { resolveOptions, type ClientOptions, type Resolved } from './clientOptions.js';
import { checkRequest, checkSubscription, type RequestOptions, type SubscribeOptions } from './requestOptions.js';
import { send } from './send.js';
import { resultsOf } from './subscribe.js';
import { checkVerification, verifyToken, type TokenVerification, type VerifyOptions } from './verify.js';
import { link } from './waiting.js';

/** A document without types for its variables and its result. */
type Untyped = string | (DocumentNode & { readonly __apiType?: never });

/** The arguments after the document. Variables are optional if the operation requires none. */
type Given<V, O> = Record<string, never> extends V ? [variables?: V, options?: O] : [variables: V, options?: O];

/**
 * A client of a Latchkey API. Its methods can be passed around without binding `this`.
 *
 * @example
 * ```ts
 * import { createClient, type Client } from 'latchkey/client';
 *
 * const client: Client = createClient({ url: 'https://api.example.com/graphql' });
 * for await (const { keyEvents } of client.subscribe('subscription { keyEvents { type } }')) console.log(keyEvents.type);
 * ```
 */
export interface Client {
  /**
   * Runs a query or a mutation. Waits for room in the key's rate limits first, and retries when it is safe to do so.
   *
   * @param document a string, or a document from gql or a code generator
   * @param rest the variables, then {@link RequestOptions}
   * @returns the data of the response
   * @throws {@link LatchkeyError} if the response has errors or there is none. Its `data` is the partial data of the
   *   response.
   * @throws TypeError if an argument is invalid
   * @example
   * const { assets } = await client.request('query ($n: Int) { assets(first: $n) { name } }', { n: 10 });
   */
  request<R, V>(this: void, document: TypedDocumentNode<R, V>, ...rest: Given<V, RequestOptions>): Promise<R>;
  // The caller knows the type of the result of an untyped document.
  // oxlint-disable-next-line typescript/no-explicit-any, typescript/no-unnecessary-type-parameters
  request<R = any, V = Record<string, unknown>>(
    this: void,
    document: Untyped,
    variables?: V,
    options?: RequestOptions,
  ): Promise<R>;
  /**
   * Runs a subscription and reconnects if the connection is lost. It ends when the server completes it, when your code exits the loop
   * (`break`, `return()`), when the signal is aborted, and when the client is closed.
   *
   * @param document a string, or a document from gql or a code generator
   * @param rest the variables, then {@link SubscribeOptions}
   * @returns an iterator over the data of each event
   * @throws {@link LatchkeyError} while iterating, if the server rejects the subscription or `maxRetries` attempts in a
   *   row fail
   * @throws TypeError if an argument is invalid
   * @example
   * for await (const { keyEvents } of client.subscribe('subscription { keyEvents { type } }'))
   *   console.log(keyEvents.type);
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
  /**
   * Verifies a token that your service received, by `POST /v1/verify`. The key of the client needs the scope `verify:keys`.
   *
   * @returns the result, even for a token that is not active
   * @throws {@link LatchkeyError} if the token could not be verified
   * @throws TypeError if an argument is invalid
   * @example
   * const { active } = await client.verify(token, { scope: 'read:orders', cost: 1 });
   */
  verify(this: void, token: string, options?: VerifyOptions): Promise<TokenVerification>;
  /** A fetch for Apollo Client, urql, graphql-request and other clients: see {@link createFetch}. */
  readonly fetch: typeof fetch;
  /** Aborts pending requests with the code `CLOSED` and ends all subscriptions. Can be called more than once. */
  close(this: void): Promise<void>;
}

/**
 * Creates a client for a Latchkey API. Clients in one process with the same key and URL share the key's rate limits.
 *
 * @param given all optional: see {@link ClientOptions}
 * @returns the client
 * @throws TypeError if an option is invalid; the message names it
 * @example
 * ```ts
 * import { createClient } from 'latchkey/client';
 *
 * const client = createClient({ url: 'https://api.example.com/graphql' });
 * const { viewer } = await client.request('{ viewer { scopes } }');
 * console.log(viewer.scopes);
 * ```
 */
export function createClient(given: ClientOptions = {}): Client {
  return clientWith(resolveOptions('createClient', given));
}

/** Creates a client from validated options. */
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

  async function verify(token: string, given: VerifyOptions = {}): Promise<TokenVerification> {
    checkVerification(token, given);
    const { signal, release } = link(given.signal, closing.signal);
    try {
      return await verifyToken(options, token, given, signal);
    } finally {
      release();
    }
  }

  const callbacks = new Callbacks('subscribe');

  function subscribe(
    document: DocumentNode | string,
    variables?: unknown,
    given: SubscribeOptions = {},
  ): AsyncIterableIterator<unknown> {
    checkSubscription(document, variables, given);
    const { signal: own, operationName, onReconnect } = given;
    const { controller, release } = link(own, closing.signal);
    const reconnected = onReconnect && callbacks.contain('onReconnect', onReconnect);
    const results = resultsOf(
      options,
      { query: textOf(document), variables, operationName, onReconnect: reconnected },
      controller,
    );
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
      // The connection is closed first, because a generator that waits for an event does not react to return().
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
    verify,
    fetch: fetchWith(options, closing.signal),
    close: async () => closing.abort(new LatchkeyError('The client is closed. Create a new one.', { code: 'CLOSED' })),
  };
}

/** Strings are sent unchanged, because a key may be restricted to exact documents. */
const texts = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode | string): string {
  if (typeof document === 'string') return document;
  let text = texts.get(document);
  if (text === undefined) texts.set(document, (text = print(document)));
  return text;
}
