import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { useLatchkey, type UseLatchkeyOptions } from '../../../src/yoga.js';
import { startOwnServer, type OwnServer, type OwnServerOptions } from '../ownServer.js';

/**
 * Imported by a name that the compiler does not resolve, because the types of its packages replace the types of `fetch` in the whole
 * project.
 */
const YOGA = 'graphql-yoga';
export const { createYoga } = (await import(YOGA)) as {
  createYoga: (options: Record<string, unknown>) => RequestListener;
};

export interface OwnYoga extends OwnServer {
  /** The errors that Yoga logged. */
  readonly logged: readonly unknown[];
}

export interface OwnYogaOptions extends OwnServerOptions {
  readonly plugin?: UseLatchkeyOptions;
  readonly yoga?: Record<string, unknown>;
  /** Plugins before Latchkey's. */
  readonly before?: readonly object[];
  readonly after?: readonly object[];
}

/** Starts a Yoga server over HTTP, with its own store. */
export function startYoga(options: OwnYogaOptions = {}): Promise<OwnYoga> {
  return startOwnServer(options, async ({ latchkey, schema }) => {
    const logged: unknown[] = [];
    const silent = () => undefined;
    const yoga = createYoga({
      schema,
      logging: { debug: silent, info: silent, warn: silent, error: (entry: unknown) => void logged.push(entry) },
      ...{ parserAndValidationCache: false, maxRequestBodySize: false },
      plugins: [...(options.before ?? []), useLatchkey(latchkey, options.plugin), ...(options.after ?? [])],
      ...options.yoga,
    });
    const server = createServer(yoga).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const close = (): void => {
      server.closeAllConnections();
      server.close();
    };
    return { url, logged, close };
  });
}
