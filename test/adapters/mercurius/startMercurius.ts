import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { latchkeyMercurius, type GuardedMercuriusOptions } from '../../../src/mercurius.js';
import { startOwnServer, type OwnServer, type OwnServerOptions } from '../ownServer.js';

export interface OwnMercurius extends OwnServer {
  readonly app: FastifyInstance;
}

export interface OwnMercuriusOptions extends OwnServerOptions {
  readonly mercurius?: Partial<GuardedMercuriusOptions>;
  readonly fastify?: FastifyServerOptions;
  /** Called before Latchkey and Mercurius are registered. */
  readonly before?: (app: FastifyInstance) => unknown;
  /** Called before the server listens. */
  readonly prepare?: (app: FastifyInstance) => unknown;
}

/** Starts a Fastify server with Mercurius, with its own store. */
export function startMercurius(options: OwnMercuriusOptions = {}): Promise<OwnMercurius> {
  return startOwnServer(options, async ({ latchkey, schema }) => {
    const app = fastify({ ...options.fastify });
    try {
      await options.before?.(app);
      await app.register(latchkeyMercurius, { latchkey, schema, ...options.mercurius });
      await options.prepare?.(app);
      const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
      return { app, url, close: () => app.close() };
    } catch (error) {
      await app.close();
      throw error;
    }
  });
}
