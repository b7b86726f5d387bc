import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { optionError } from '../../shared/optionChecks.js';
import type { AdminOptions } from './adminOptions.js';
import { createAdmin, type Admin } from './createAdmin.js';

/**
 * An application or a router of Express.
 *
 * @example
 * ```ts
 * import type { Latchkey } from 'latchkey';
 * import { mountAdmin, type ExpressApp } from 'latchkey/express';
 *
 * export const mount = (app: ExpressApp, latchkey: Latchkey) => mountAdmin(app, latchkey);
 * ```
 */
export interface ExpressApp {
  readonly use: (...given: never[]) => unknown;
}

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * Mounts the administration of a Latchkey on an application of Express: its API, the dashboard, GraphiQL and MCP. Call it
 * after `latchkey.guard`. If a router mounts it, `path` is the whole path.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import type { Latchkey } from 'latchkey';
 * import { mountAdmin, type ExpressApp } from 'latchkey/express';
 *
 * export const mount = (app: ExpressApp, latchkey: Latchkey) => mountAdmin(app, latchkey, { path: '/keys' });
 * ```
 */
export async function mountAdmin(app: ExpressApp, latchkey: Latchkey, options: AdminOptions = {}): Promise<Admin> {
  if (typeof (app as Partial<ExpressApp> | null)?.use !== 'function') {
    throw optionError('mountAdmin: app', app, 'an application of Express');
  }
  const admin = await createAdmin(latchkey, options);
  const middleware: Middleware = (request, response, next) => {
    if (!admin.handle(request, response)) next();
  };
  (app.use as (middleware: Middleware) => unknown)(middleware);
  return admin;
}
