import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { createLatchkey, openSqliteStore, tierTable, type Latchkey, type LatchkeyOptions } from '../../../src/index.js';
import { latchkeyMercurius, type GuardedMercuriusOptions } from '../../../src/mercurius.js';

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

export interface MercuriusAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
}

export interface OwnMercurius {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly latchkey: Latchkey;
  readonly schema: GraphQLSchema;
  /** The first admin key. */
  readonly token: string;
  /** The errors that the option `log` of createLatchkey received. */
  readonly told: readonly unknown[];
  query(
    query: string,
    more?: { token?: string | null; variables?: object; operationName?: string },
  ): Promise<MercuriusAnswer>;
  send(init: RequestInit, search?: string): Promise<MercuriusAnswer>;
  /** Creates a key with these scopes. */
  keyWith(...scopes: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface OwnMercuriusOptions {
  readonly typeDefs?: string;
  readonly resolvers?: Record<string, object>;
  readonly latchkey?: Partial<LatchkeyOptions>;
  readonly mercurius?: Partial<GuardedMercuriusOptions>;
  readonly fastify?: FastifyServerOptions;
  /** Called before the server listens. */
  readonly prepare?: (app: FastifyInstance) => unknown;
}

/** Starts a Fastify server with Mercurius, with its own store. */
export async function startMercurius(options: OwnMercuriusOptions = {}): Promise<OwnMercurius> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-mercurius-'));
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
  const app = fastify({ ...options.fastify });
  await app.register(latchkeyMercurius, { latchkey, schema, ...options.mercurius });
  await options.prepare?.(app);
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
  const token = latchkey.firstKey?.token ?? '';
  const send = async (init: RequestInit, search = '') => answerOf(await fetch(`${url}${search}`, init));
  const query: OwnMercurius['query'] = (text, { token: by = token, ...more } = {}) =>
    send({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(by !== null && { authorization: `Bearer ${by}` }) },
      body: JSON.stringify({ query: text, ...more }),
    });
  return {
    ...{ app, url, latchkey, schema, token, told, query, send },
    keyWith: async (...scopes) => {
      const { body } = await query(
        'mutation ($scopes: [Scope!]!) { createApiKey(input: { name: "test", scopes: $scopes }) { token } }',
        { variables: { scopes } },
      );
      return String(body.data.createApiKey.token);
    },
    async close() {
      await app.close();
      await latchkey.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answerOf(response: Response): Promise<MercuriusAnswer> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON.
  }
  return { status: response.status, headers: response.headers, body };
}
