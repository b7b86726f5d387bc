import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { createLatchkey, openSqliteStore, tierTable, type Latchkey, type LatchkeyOptions } from '../../../src/index.js';
import { useLatchkey, type UseLatchkeyOptions } from '../../../src/yoga.js';

/**
 * By a name that the compiler does not resolve: the types of its packages replace those of `fetch` in the whole
 * project.
 */
const YOGA = 'graphql-yoga';
export const { createYoga } = (await import(YOGA)) as {
  createYoga: (options: Record<string, unknown>) => RequestListener;
};

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

export interface YogaAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
}

export interface OwnYoga {
  readonly url: string;
  readonly latchkey: Latchkey;
  readonly schema: GraphQLSchema;
  /** The first admin key. */
  readonly token: string;
  /** The errors that Yoga logged. */
  readonly logged: readonly unknown[];
  /** The errors that the option `log` of createLatchkey received. */
  readonly told: readonly unknown[];
  query(
    query: string,
    more?: { token?: string | null; variables?: object; operationName?: string },
  ): Promise<YogaAnswer>;
  send(init: RequestInit, search?: string): Promise<YogaAnswer>;
  /** Creates a key with these scopes. */
  keyWith(...scopes: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface OwnYogaOptions {
  readonly typeDefs?: string;
  readonly resolvers?: Record<string, object>;
  readonly latchkey?: Partial<LatchkeyOptions>;
  readonly plugin?: UseLatchkeyOptions;
  readonly yoga?: Record<string, unknown>;
  /** Plugins before Latchkey's. */
  readonly before?: readonly object[];
  readonly after?: readonly object[];
}

/** Starts a Yoga server over HTTP, with its own store. */
export async function startYoga(options: OwnYogaOptions = {}): Promise<OwnYoga> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-yoga-'));
  const store = await openSqliteStore({ dir });
  const told: unknown[] = [];
  const latchkey = await createLatchkey({
    store,
    bcryptCost: 4,
    tiers: tierTable({ ANONYMOUS: WIDE, GROWTH: WIDE }),
    log: (error) => void told.push(error),
    ...options.latchkey,
  });
  const schema = latchkey.guard(
    makeExecutableSchema({
      typeDefs: [latchkey.typeDefs, options.typeDefs ?? []].flat(),
      resolvers: [latchkey.resolvers, options.resolvers ?? {}],
    }),
  );
  const logged: unknown[] = [];
  const silent = () => undefined;
  const yoga = createYoga({
    schema,
    logging: { debug: silent, info: silent, warn: silent, error: (entry: unknown) => void logged.push(entry) },
    parserAndValidationCache: false,
    plugins: [...(options.before ?? []), useLatchkey(latchkey, options.plugin), ...(options.after ?? [])],
    ...options.yoga,
  });
  const server = createServer(yoga).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const token = latchkey.firstKey?.token ?? '';
  const send = async (init: RequestInit, search = '') => answerOf(await fetch(`${url}${search}`, init));
  const query: OwnYoga['query'] = (text, { token: by = token, ...more } = {}) =>
    send({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(by !== null && { authorization: `Bearer ${by}` }) },
      body: JSON.stringify({ query: text, ...more }),
    });
  return {
    ...{ url, latchkey, schema, token, logged, told, query, send },
    keyWith: async (...scopes) => {
      const { body } = await query(
        'mutation ($scopes: [Scope!]!) { createApiKey(input: { name: "test", scopes: $scopes }) { token } }',
        { variables: { scopes } },
      );
      return String(body.data.createApiKey.token);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await latchkey.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answerOf(response: Response): Promise<YogaAnswer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON.
  }
  return { status: response.status, headers: response.headers, body };
}
