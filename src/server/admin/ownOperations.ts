import { ApolloServer } from '@apollo/server';
import type { FastifyBaseLogger } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { createServerOptions } from '../../adapters/apollo/serverOptions.js';
import type { Assembly } from '../../assembly/assembly.js';
import { askOperation } from '../http/askOperation.js';
import { openingPlugin } from '../http/opening.js';
import type { RequestContext } from '../http/requestContext.js';
import type { AdminOptions } from './adminOptions.js';
import { withoutApollo } from '../http/withoutApollo.js';

interface OwnOperationsOptions {
  /** The guarded schema that the host itself serves. */
  readonly schema: GraphQLSchema;
  readonly latchkey: Pick<Assembly, 'requests'>;
  readonly context: NonNullable<AdminOptions['context']>;
  readonly logger: FastifyBaseLogger;
}

/**
 * Runs operations of MCP's tools on the host's schema: guarded, limited and counted like requests to its endpoint,
 * whatever server it uses. Starts at the first operation.
 */
export class OwnOperations {
  readonly #options: OwnOperationsOptions;
  #server: Promise<ApolloServer<RequestContext>> | null = null;

  constructor(options: OwnOperationsOptions) {
    this.#options = options;
  }

  async run(operation: Record<string, unknown>, context: RequestContext): ReturnType<typeof askOperation> {
    const given = await this.#options.context(context);
    return askOperation(await this.#started(), operation, { ...given, ...context });
  }

  async close(): Promise<void> {
    await (await this.#server)?.stop();
  }

  #started(): Promise<ApolloServer<RequestContext>> {
    this.#server ??= this.#start().catch((error: unknown) => {
      this.#server = null;
      throw error;
    });
    return this.#server;
  }

  async #start(): Promise<ApolloServer<RequestContext>> {
    const { schema, latchkey, logger } = this.#options;
    const guarded = createServerOptions(latchkey.requests);
    const server = new ApolloServer<RequestContext>({
      schema,
      ...guarded,
      plugins: [openingPlugin, ...(guarded.plugins ?? []), ...withoutApollo()],
      logger,
      stopOnTerminationSignals: false,
    });
    await server.start();
    return server;
  }
}
