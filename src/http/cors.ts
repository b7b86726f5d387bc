import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { RateLimitHeaders } from '../limits/fields.js';
import { LIMIT_FIELD_NAMES } from './limitHeaders.js';
import { MCP_HEADERS } from './mcpHeaders.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers past the origins of CORS_ORIGINS, which are for the API. */
    readonly cors?: false;
  }
}

/** Header fields of a request that the API reads, and that a browser asks about before it sends them. */
const REQUEST_HEADERS = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Accept',
  'Apollo-Require-Preflight',
  'X-Apollo-Operation-Name',
  ...MCP_HEADERS,
];

/** Header fields of an answer that a page of another origin may read. */
const EXPOSED_HEADERS = ['Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

export interface CorsOptions {
  /** `*` for any. */
  readonly origins: readonly string[];
  /** Request header fields that pages may send, beside those that the API reads. */
  readonly requestHeaders: readonly string[];
  /** Response header fields that pages may read, beside those that the API sends. */
  readonly responseHeaders: readonly string[];
  /** Decides which of the limit fields a page may read; asked at each request, as a reload may change it. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
}

/** Lets pages of these origins call. No credentials mode: a key is sent by the page, never by a cookie. */
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

/** Names of header fields are the same in any case. */
function unique(names: readonly string[]): string[] {
  return [...new Map(names.toReversed().map((name) => [name.toLowerCase(), name])).values()].toReversed();
}
