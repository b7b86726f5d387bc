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

/** Header fields of an answer that a page of another origin may read. */
const EXPOSED_HEADERS = ['Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

export interface CorsOptions {
  /** `*` for any. */
  readonly origins: readonly string[];
  /** Decides which of the limit fields a page may read; asked at each request, as a reload may change it. */
  readonly rateLimitHeaders: () => RateLimitHeaders;
}

/** Lets pages of these origins call. No credentials mode: a key is sent by the page, never by a cookie. */
export async function allowOrigins(app: FastifyInstance, { origins, rateLimitHeaders }: CorsOptions): Promise<void> {
  if (origins.length === 0) return;
  const common: FastifyCorsOptions = {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'Authorization',
      'X-API-Key',
      'Content-Type',
      'Accept',
      'Apollo-Require-Preflight',
      'X-Apollo-Operation-Name',
      ...MCP_HEADERS,
    ],
    maxAge: 600,
  };
  await app.register(cors, {
    delegator: (_request, done) => {
      done(null, { ...common, exposedHeaders: [...LIMIT_FIELD_NAMES[rateLimitHeaders()], ...EXPOSED_HEADERS] });
    },
  });
}
