import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { RateLimitHeaders } from '../../core/limits/limitFields.js';
import { LIMIT_FIELD_NAMES } from '../../core/limits/limitHeaders.js';
import { MCP_HEADERS } from './mcpHeaders.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Ignores CORS_ORIGINS, which only applies to the API. */
    readonly cors?: false;
  }
}

/** Request header fields that the API reads, and that a browser requests permission for. */
const REQUEST_HEADERS = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Accept',
  'Apollo-Require-Preflight',
  'X-Apollo-Operation-Name',
  'Latchkey-Cost',
  ...MCP_HEADERS,
];

/** Response header fields that pages of other origins may read. */
const EXPOSED_HEADERS = ['Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

interface CorsOptions {
  /** `*` allows any origin. */
  readonly origins: readonly string[];
  /** Additional request header fields that pages may send. */
  readonly requestHeaders: readonly string[];
  /** Additional response header fields that pages may read. */
  readonly responseHeaders: readonly string[];
  /** Decides which of the limit fields a page may read. Called for each request, because a reload can change it. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
}

/**
 * Allows pages of these origins to call the API. No credentials mode: a page sends its key itself, never in a cookie.
 */
export async function allowOrigins(
  app: FastifyInstance,
  { origins, requestHeaders, responseHeaders, rateLimitHeaders }: CorsOptions,
): Promise<void> {
  if (origins.length === 0) return;
  const common: FastifyCorsOptions = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: unique([...REQUEST_HEADERS, ...requestHeaders]),
    maxAge: 600,
  };
  await app.register(cors, {
    delegator: (_request, done) => {
      done(null, {
        ...common,
        exposedHeaders: unique([...LIMIT_FIELD_NAMES[rateLimitHeaders()], ...EXPOSED_HEADERS, ...responseHeaders]),
      });
    },
  });
}

/** Removes duplicates. Names of header fields are case-insensitive. */
function unique(names: readonly string[]): string[] {
  return [...new Map(names.toReversed().map((name) => [name.toLowerCase(), name])).values()].toReversed();
}
