import type { GraphQLSchema } from 'graphql';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Assembly } from '../../assembly/assembly.js';
import { assemblyOf } from '../../assembly/assemblyOf.js';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { tiersIn } from '../../core/limits/tiers.js';
import { OpenStreams } from '../../core/streams/openStreams.js';
import { failingClosed } from '../../management/schema/failingClosed.js';
import { ownSchema } from '../../management/schema/ownSchema.js';
import { apiTypeDefs } from '../../management/schema/typeDefs.js';
import { EventBus } from '../streams/bus.js';
import { EventKinds } from '../streams/streamEvent.js';
import { streamResolvers } from '../streams/streamResolvers.js';
import { adminRoutes } from './adminRoutes.js';
import { checkAdminOptions, type AdminOptions } from './adminOptions.js';
import { addressByExpress, HostCallers } from './hostCallers.js';

/** The maximum number of open streams of key events. */
const MAX_STREAMS = 10_000;

/**
 * The administration of a Latchkey: its API, the dashboard, GraphiQL and MCP.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import { createAdmin, type Admin } from 'latchkey/admin';
 *
 * const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * const admin: Admin = await createAdmin(latchkey);
 * export const server = createServer((request, response) => {
 *   if (!admin.handle(request, response)) response.writeHead(404).end();
 * });
 * ```
 */
export interface Admin {
  /** The path below which everything is served. */
  readonly path: string;
  /**
   * Responds to a request, if its path is {@link path} or below. Also reads a body that a JSON parser has already read.
   *
   * @param address the address of the caller. Default: see {@link AdminOptions.address}
   * @returns false if the path is another one, and nothing was done
   */
  handle(this: void, request: IncomingMessage, response: ServerResponse, address?: string): boolean;
  /** Ends streams, then waits for running requests. Call it before you close your server, which waits for streams. */
  close(this: void): Promise<void>;
}

/**
 * Creates the administration of a Latchkey, for a server of `node:http` or another framework. Call it after
 * `latchkey.guard`. For Express and Fastify, use `mountAdmin`.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import { createAdmin } from 'latchkey/admin';
 *
 * const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * export const admin = await createAdmin(latchkey, { path: '/keys' });
 * ```
 */
export async function createAdmin(latchkey: Latchkey, options: AdminOptions = {}): Promise<Admin> {
  const assembly = assemblyOf('createAdmin', latchkey);
  const checked = checkAdminOptions('createAdmin', options);
  const { path } = checked;
  // Before the administration's own schema is guarded.
  const own = checked.schema ?? assembly.schemas.newest;
  const administration = administrationOf(assembly);
  const { streams, end } = streamsOf(assembly);
  const given = new WeakMap<IncomingMessage, string>();
  const callers = new HostCallers((request) => given.get(request) ?? (checked.address ?? addressByExpress)(request));
  const app = await adminRoutes({ latchkey: assembly, administration, own, streams, callers, options: checked });
  return {
    path,
    handle(request, response, address) {
      // Express removes the path of a router from `url`.
      const { originalUrl: url = request.url ?? '' } = request as { readonly originalUrl?: string };
      if (!isBelow(path, url)) return false;
      request.url = url;
      if (address !== undefined) given.set(request, address);
      app.routing(request, response);
      return true;
    },
    async close() {
      end();
      await app.close();
    },
  };
}

/** Guards the schema of the administration API, once for each Latchkey. */
function administrationOf(latchkey: Assembly): GraphQLSchema {
  const kinds = new EventKinds();
  const bus = new EventBus(kinds);
  latchkey.keyEvents.listen(bus.publish);
  const schema = latchkey.guard(
    ownSchema(apiTypeDefs(tiersIn(latchkey.limiter.tiers)), [
      latchkey.resolvers,
      failingClosed(streamResolvers({ bus, keys: latchkey.keys })),
    ]),
  );
  latchkey.schemas.setAdministration(schema);
  return schema;
}

function streamsOf(latchkey: Assembly): { readonly streams: OpenStreams; readonly end: () => void } {
  const { bytesOf } = new EventKinds();
  const streams = new OpenStreams({ tiers: latchkey.limiter.tiers, max: MAX_STREAMS, bytesOf });
  latchkey.onChange((change) => streams.judge(change));
  return { streams, end: () => streams.close() };
}

function isBelow(path: string, url: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url[path.length];
  return next === undefined || next === '/' || next === '?';
}
