import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { optionError } from '../../shared/optionChecks.js';
import type { AdminOptions } from './adminOptions.js';
import { createAdmin, type Admin } from './createAdmin.js';

/**
 * An instance of Fastify, of any version whose requests and replies have `raw`.
 *
 * @example
 * ```ts
 * import type { Latchkey } from 'latchkey';
 * import { mountAdmin, type FastifyApp } from 'latchkey/fastify';
 *
 * export const mount = (app: FastifyApp, latchkey: Latchkey) => mountAdmin(app, latchkey);
 * ```
 */
export interface FastifyApp {
  readonly register: (...given: never[]) => unknown;
  readonly addHook: (...given: never[]) => unknown;
}

interface HostRequest {
  readonly raw: IncomingMessage;
  readonly ip: string;
}

interface HostReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/** The parts of Fastify that are used. Its types are not in ours, because the host's version may be another one. */
interface Host {
  register(plugin: (below: Host) => Promise<void>): unknown;
  addHook(name: 'preClose' | 'onClose', hook: () => Promise<void>): unknown;
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: '*',
    parser: (request: unknown, body: unknown, done: (error: null) => void) => void,
  ): unknown;
  route(route: {
    readonly method: readonly string[];
    readonly url: string;
    readonly exposeHeadRoute: false;
    readonly handler: (request: HostRequest, reply: HostReply) => void;
  }): unknown;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Mounts the administration of a Latchkey on an instance of Fastify: its API, the dashboard, GraphiQL and MCP. Call it after
 * `latchkey.guard`, and before the server listens. It closes with the server.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import Fastify from 'fastify';
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import { mountAdmin } from 'latchkey/fastify';
 *
 * const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }) });
 * const app = Fastify();
 * await mountAdmin(app, latchkey);
 * await app.listen({ port: 4000 });
 * ```
 */
export async function mountAdmin(app: FastifyApp, latchkey: Latchkey, options: AdminOptions = {}): Promise<Admin> {
  if (typeof (app as Partial<FastifyApp> | null)?.register !== 'function') {
    throw optionError('mountAdmin: app', app, 'an instance of Fastify');
  }
  const admin = await createAdmin(latchkey, options);
  const host = app as unknown as Host;
  // Streams end before the server waits for its connections.
  host.addHook('preClose', () => admin.close());
  await host.register(async (below) => {
    // The body is read here, so the host's parsers must not touch it.
    below.removeAllContentTypeParsers();
    below.addContentTypeParser('*', (_request, _body, done) => done(null));
    const handler = ({ raw, ip }: HostRequest, reply: HostReply): void => {
      // The header fields of the host's plugins, such as CORS.
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      reply.hijack();
      admin.handle(raw, reply.raw, options.address?.(raw) ?? ip);
    };
    for (const url of [admin.path, `${admin.path}/*`]) {
      below.route({ method: METHODS, url, exposeHeadRoute: false, handler });
    }
  });
  return admin;
}
