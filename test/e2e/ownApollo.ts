import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloServer, type ApolloServerOptions } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import {
  createLatchkey,
  tierTable,
  type Latchkey,
  type LatchkeyContext,
  type LatchkeyOptions,
} from '../../src/index.js';
import { answerOf, type Answer } from '../support/service.js';
import { apolloOptions } from '../../src/adapters/apollo/apolloOptions.js';
import { openStoreHere } from '../support/storeHere.js';

/** A suite sends more in a second than a key or a network may. */
const WIDE = { rate: 1_000_000, burst: 1_000_000 };
const UNLIMITED = tierTable({ ANONYMOUS: WIDE, GROWTH: WIDE });

/** The messages of the server's logger. */
export interface Logged {
  readonly level: 'error' | 'warn';
  readonly entry: unknown;
}

/** A library user's Apollo Server over HTTP, with its own store. */
export interface OwnApollo {
  readonly url: string;
  readonly latchkey: Latchkey;
  /** The first admin key. */
  readonly token: string;
  readonly logged: readonly Logged[];
  query(query: string, more?: { token?: string | null; variables?: object }): Promise<Answer>;
  close(): Promise<void>;
}

export interface OwnApolloOptions {
  readonly typeDefs?: string;
  readonly resolvers?: Record<string, object>;
  readonly latchkey?: Partial<LatchkeyOptions>;
  /** Default: the guarded schema, `apolloOptions()` and the logger. */
  readonly apollo?: (
    latchkey: Latchkey,
    own: { schema: GraphQLSchema; logger: Logger },
  ) => ApolloServerOptions<LatchkeyContext>;
  /** In place of `latchkey.context`. */
  readonly context?: (source: Parameters<Latchkey['context']>[0]) => Promise<LatchkeyContext>;
}

type Logger = NonNullable<ApolloServerOptions<LatchkeyContext>['logger']>;

export async function startOwnApollo(options: OwnApolloOptions = {}): Promise<OwnApollo> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = await openStoreHere(dir);
  const latchkey = await createLatchkey({ store, bcryptCost: 4, tiers: UNLIMITED, ...options.latchkey });
  const logged: Logged[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (entry: unknown) => void logged.push({ level: 'warn', entry }),
    error: (entry: unknown) => void logged.push({ level: 'error', entry }),
  };
  const schema = latchkey.guard(
    makeExecutableSchema({
      typeDefs: [latchkey.typeDefs, options.typeDefs ?? []].flat(),
      resolvers: [latchkey.resolvers, options.resolvers ?? {}],
    }),
  );
  const { apollo = (own: Latchkey) => ({ schema, logger, ...apolloOptions(own) }) } = options;
  const server = new ApolloServer<LatchkeyContext>({
    ...apollo(latchkey, { schema, logger }),
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    context: options.context ?? latchkey.context,
  });
  const token = latchkey.firstKey?.token ?? '';
  return {
    url,
    latchkey,
    token,
    logged,
    query: async (query, { token: by = token, variables } = {}) =>
      answerOf(
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(by !== null && { authorization: `Bearer ${by}` }) },
          body: JSON.stringify({ query, ...(variables !== undefined && { variables }) }),
        }),
      ),
    async close() {
      await server.stop();
      await latchkey.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
