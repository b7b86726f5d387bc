import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import type { SignIn } from '../credentials/oidc/signIn.js';
import { packageFile } from '../packageFiles.js';
import { DashboardFiles } from './dashboardFiles.js';
import { EVERY_FILE, pageHeaders } from './dashboardPolicy.js';

export interface DashboardRouteOptions {
  /** How people sign in at the issuer; null: by keys alone. */
  readonly signIn: () => Promise<SignIn | null>;
  /** Where the build is. Default: dist/dashboard. */
  readonly directory?: URL;
}

/** Stands in the page, as the build made it, for the nonce of an answer. */
const NONCE = /__CSP_NONCE__/g;

/** An asset's name changes with what is in it. */
const A_YEAR = 'public, max-age=31536000, immutable';

const NOT_BUILT =
  'The dashboard is not part of this build. Run "npm run build" and start again, or set DASHBOARD=off.\n';

/**
 * /dashboard: the page, its assets, and what it has to know before anybody signed in. No key is needed to look at it: it
 * asks for one, and all else comes from /graphql. Addresses within the application lead to the page.
 */
export function dashboardRoute(app: FastifyInstance, { signIn, directory = BUILD }: DashboardRouteOptions): void {
  const files = new DashboardFiles(directory);
  const config = { cors: false } as const;

  app.get<{ Params: { '*': string } }>('/dashboard/assets/*', { config }, async (request, reply) => {
    const file = await files.asset(request.params['*'], request.headers['accept-encoding']);
    if (file === null) {
      reply.callNotFound();
      return reply;
    }
    if (file.encoding !== null) void reply.header('content-encoding', file.encoding);
    return reply
      .headers({ ...EVERY_FILE, 'cache-control': A_YEAR, vary: 'accept-encoding' })
      .type(file.type)
      .send(file.body);
  });

  app.get('/dashboard/config.json', { config }, async (_request, reply) =>
    reply.headers({ ...EVERY_FILE, 'cache-control': 'no-store' }).send({ oidc: await signIn() }),
  );

  const page = async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const text = await files.page();
    if (text === null) return reply.code(404).type('text/plain; charset=utf-8').send(NOT_BUILT);
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers({ ...pageHeaders(nonce, originsOf(await signIn())), 'cache-control': 'no-store' })
      .type('text/html; charset=utf-8')
      .send(text.replace(NONCE, nonce));
  };
  app.get('/dashboard', { config }, page);
  app.get<{ Params: { '*': string } }>('/dashboard/*', { config }, async (request, reply) => {
    // The name of a file that is not there, which a page in its place would only disguise.
    if (request.params['*'].split('/').at(-1)?.includes('.') !== true) return page(request, reply);
    reply.callNotFound();
    return reply;
  });
}

/** Of the endpoints that the page asks by itself. */
function originsOf(signIn: SignIn | null): string[] {
  const { token = null, revocation = null } = signIn?.endpoints ?? {};
  const asked = [token, revocation].filter((endpoint) => endpoint !== null);
  return [...new Set(asked.map((endpoint) => new URL(endpoint).origin))];
}

const BUILD = packageFile('dist/dashboard/');

/** A browser that opens an address, not a client of the API. */
export function isBrowser({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.includes('text/html');
}
