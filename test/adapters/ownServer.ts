import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { createLatchkey, tierTable, type Latchkey, type LatchkeyOptions } from '../../src/index.js';
import { openStoreHere } from '../support/storeHere.js';

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

/** A response of a server. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
}

/** A Latchkey with its own store, and a guarded schema. */
export interface OwnLatchkey {
  readonly latchkey: Latchkey;
  readonly schema: GraphQLSchema;
  /** The first admin key. */
  readonly token: string;
  /** The errors that the option `log` of createLatchkey received. */
  readonly told: readonly unknown[];
}

/** A server that listens. */
export interface OwnServer extends OwnLatchkey {
  readonly url: string;
  query(
    query: string,
    more?: { token?: string | null; variables?: object; operationName?: string },
  ): Promise<OwnAnswer>;
  send(init: RequestInit, search?: string): Promise<OwnAnswer>;
  /** Creates a key with these scopes. */
  keyWith(...scopes: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface OwnServerOptions {
  readonly typeDefs?: string;
  readonly resolvers?: Record<string, object>;
  readonly latchkey?: Partial<LatchkeyOptions>;
}

/** A server without its Latchkey. */
interface Listening {
  readonly url: string;
  close(): unknown;
}

/** Starts a server with its own Latchkey and store, which are also closed if the server does not start. */
export async function startOwnServer<Own extends Listening>(
  options: OwnServerOptions,
  listen: (own: OwnLatchkey) => Promise<Own>,
): Promise<Omit<Own, 'close'> & OwnServer> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-adapter-'));
  const store = await openStoreHere(dir);
  const told: unknown[] = [];
  const latchkey = await createLatchkey({
    store,
    bcryptCost: 4,
    tiers: tierTable({ ANONYMOUS: WIDE, GROWTH: WIDE }),
    log: (error) => void told.push(error),
    ...options.latchkey,
  });
  const closeAll = async (): Promise<void> => {
    await latchkey.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const schema = latchkey.guard(
      makeExecutableSchema({
        typeDefs: [latchkey.typeDefs, options.typeDefs ?? []].flat(),
        resolvers: [latchkey.resolvers, options.resolvers ?? {}],
      }),
    );
    const own = { latchkey, schema, told, token: latchkey.firstKey?.token ?? '' };
    const listening = await listen(own);
    const close = async (): Promise<void> => {
      await listening.close();
      await closeAll();
    };
    return { ...own, ...listening, ...callsTo(listening.url, own.token), close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function callsTo(url: string, admin: string): Pick<OwnServer, 'send' | 'query' | 'keyWith'> {
  const send: OwnServer['send'] = async (init, search = '') => answerOf(await fetch(`${url}${search}`, init));
  const query: OwnServer['query'] = (text, { token = admin, ...more } = {}) =>
    send({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query: text, ...more }),
    });
  return {
    ...{ send, query },
    keyWith: async (...scopes) => {
      const { body } = await query(
        'mutation ($scopes: [Scope!]!) { createApiKey(input: { name: "test", scopes: $scopes }) { token } }',
        { variables: { scopes } },
      );
      return String(body.data.createApiKey.token);
    },
  };
}

async function answerOf(response: Response): Promise<OwnAnswer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON.
  }
  return { status: response.status, headers: response.headers, body };
}

/** Returns the number of requests left, from the header field RateLimit. */
export function remaining(headers: Headers): number {
  return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1] ?? NaN);
}
