import { envelop, useEngine, useSchema } from '@envelop/core';
import { REQUIRES_SCOPES_DIRECTIVE_SDL, useGenericAuth } from '@envelop/generic-auth';
import { setTimeout as pause } from 'node:timers/promises';
import { makeExecutableSchema } from '@graphql-tools/schema';
import * as GraphQL from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import { rule, shield } from 'graphql-shield';
import { bareServer } from '../lib/bareServer.js';
import { openBetterAuth } from '../lib/betterAuth.js';
import { authDirective, guardedByDirective } from '../lib/directive.js';
import { handWrittenServer } from '../lib/handWritten.js';
import { bearerIn, HashedKeys } from '../lib/hashedKeys.js';
import { addKey } from '../lib/keys.js';
import { guardedShop, openLatchkey, shopServer } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';
import { openShop, SCOPES, shopResolvers, shopTypeDefs } from '../lib/shop.js';

/** The compared HTTP servers, by `options.kind`. */
const KINDS = {
  async latchkey({ dataDir, mongodbUri }) {
    const { app, latchkey, store } = await shopServer({ dataDir, mongodbUri });
    return {
      app,
      key: await addKey(store),
      async close() {
        await latchkey.close();
        await store.close();
      },
    };
  },

  async library({ dataDir }) {
    const { store, latchkey } = await openLatchkey({ dataDir });
    const app = await bareServer({ schema: guardedShop(latchkey), latchkey, handler: 'package' });
    return {
      app,
      key: await addKey(store),
      async close() {
        await latchkey.close();
        await store.close();
      },
    };
  },

  async bare({ wait = 0 }) {
    const app = await bareServer({ schema: openShop() });
    if (wait > 0) app.addHook('preHandler', () => pause(wait));
    return { app, key: null };
  },

  async package() {
    return { app: await bareServer({ schema: openShop(), handler: 'package' }), key: null };
  },

  async stock() {
    return { app: await bareServer({ schema: openShop(), handler: 'package', stock: true }), key: null };
  },

  async handWritten() {
    return { app: handWrittenServer(openShop()), key: null };
  },

  async betterAuth({ mongodbUri }) {
    const auth = await openBetterAuth(mongodbUri ?? null);
    const context = async (authorization) => {
      const key = bearerIn(authorization);
      return { scopes: (key && (await auth.verify(key))) ?? [] };
    };
    const schema = guardedByDirective(shopTypeDefs(authDirective), shopResolvers);
    return { app: await bareServer({ schema, context }), key: await auth.createKey(), close: auth.close };
  },

  async directive() {
    const { key, context } = hashedKey();
    const schema = guardedByDirective(shopTypeDefs(authDirective), shopResolvers);
    return { app: await bareServer({ schema, context }), key };
  },

  async shield() {
    const { key, context } = hashedKey();
    const schema = applyMiddleware(openShop(), shopShield());
    return { app: await bareServer({ schema, context }), key };
  },

  async envelop() {
    const { key, context } = hashedKey();
    return { app: await bareServer({ gateway: envelopGateway(), context }), key };
  },
};

await serve(async (options) => {
  const { app, key, close } = await KINDS[options.kind](options);
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    ready: { url: `${address}/graphql`, headers: key === null ? {} : { authorization: `Bearer ${key}` } },
    async close() {
      await app.close();
      await close?.();
    },
  };
});

function hashedKey() {
  const keys = new HashedKeys();
  return {
    key: keys.create(SCOPES),
    context: (authorization) => ({ scopes: keys.scopesOf(bearerIn(authorization)) }),
  };
}

function shopShield() {
  const holds = (scope) => rule(scope, { cache: 'contextual' })((_source, _args, { scopes }) => scopes.includes(scope));
  const margins = holds('read:margins');
  return shield({
    Query: { hello: holds('read:greetings'), order: holds('read:orders') },
    Order: { cost: margins, margin: margins, supplier: margins },
  });
}

/** Envelop's guards run in an envelop. Apollo Server can use one through its gateway interface. */
function envelopGateway() {
  const schema = makeExecutableSchema({
    typeDefs: [REQUIRES_SCOPES_DIRECTIVE_SDL, shopTypeDefs((scope) => `@requiresScopes(scopes: [["${scope}"]])`)],
    resolvers: shopResolvers,
  });
  const getEnveloped = envelop({
    plugins: [
      useEngine(GraphQL),
      useSchema(schema),
      useGenericAuth({
        mode: 'protect-granular',
        resolveUserFn: ({ scopes }) => (scopes.length === 0 ? null : { scopes }),
        extractScopes: (user) => user?.scopes ?? [],
      }),
    ],
  });
  return {
    load: async () => ({
      executor: async ({ document, context, request, operationName }) => {
        const { execute, contextFactory } = getEnveloped(context);
        const contextValue = await contextFactory();
        return execute({ schema, document, contextValue, variableValues: request.variables, operationName });
      },
    }),
    onSchemaLoadOrUpdate(tell) {
      tell({ apiSchema: schema });
      return () => {};
    },
    stop: async () => {},
  };
}
