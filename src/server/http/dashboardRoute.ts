import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes } from 'node:crypto';
import type { SignIn } from '../../shared/signIn.js';
import { packageFile } from '../../packageFiles.js';
import { DashboardFiles } from './dashboardFiles.js';
import { EVERY_FILE, pageHeaders } from './dashboardPolicy.js';

interface DashboardRouteOptions {
  /** How people sign in at the issuer; null if they can only use keys. */
  readonly signIn: () => Promise<SignIn | null>;
  /** The path of the API that manages keys. */
  readonly api: string;
  /** The directory of the build. Default: dist/dashboard. */
  readonly directory?: URL;
}

/** The placeholder in the built page for the nonce of a response. */
const NONCE = /__CSP_NONCE__/g;

/** The relative path of the assets in the built page: a page of a key has another depth. */
const ASSETS = /"\.\/(?=assets\/)/g;

/** The name of an asset changes with its content. */
const A_YEAR = 'public, max-age=31536000, immutable';

const NOT_BUILT =
  'The dashboard is not part of this build. Run "npm run build" and start again, or set DASHBOARD=off.\n';

/**
 * Serves /dashboard: the page, its assets, and the configuration that it needs before sign-in. Loading it needs no key:
 * the page asks for one, and gets everything else from the API. All paths of the application return the page.
 */
export function dashboardRoute(app: FastifyInstance, { signIn, api, directory = BUILD }: DashboardRouteOptions): void {
  const base = `${app.prefix}/dashboard/`;
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

  const placed = (text: string): string =>
    text.replace('__BASE__', base).replace('__API__', api).replace(ASSETS, `"${base}`);
  const page = async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const text = await files.page();
    if (text === null) return reply.code(404).type('text/plain; charset=utf-8').send(NOT_BUILT);
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers({ ...pageHeaders(nonce, originsOf(await signIn())), 'cache-control': 'no-store' })
      .type('text/html; charset=utf-8')
      .send(placed(text).replace(NONCE, nonce));
  };
  app.get('/dashboard', { config }, page);
  app.get<{ Params: { '*': string } }>('/dashboard/*', { config }, async (request, reply) => {
    // The name of a missing file. Returning the page instead would hide the error.
    if (request.params['*'].split('/').at(-1)?.includes('.') !== true) return page(request, reply);
    reply.callNotFound();
    return reply;
  });
}

/** Returns the origins of the endpoints that the page itself calls. */
function originsOf(signIn: SignIn | null): string[] {
  const { token = null, revocation = null } = signIn?.endpoints ?? {};
  const asked = [token, revocation].filter((endpoint) => endpoint !== null);
  return [...new Set(asked.map((endpoint) => new URL(endpoint).origin))];
}

const BUILD = packageFile('dist/dashboard/');

/** Returns whether a browser opens the address, as opposed to an API client. */
export function isBrowser({ headers: { accept = '' } }: FastifyRequest): boolean {
  return accept.includes('text/html');
}
