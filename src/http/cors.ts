import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import { MCP_HEADERS } from './mcpHeaders.js';

/** Header fields of an answer that a page of another origin may read. */
const EXPOSED_HEADERS = ['RateLimit-Policy', 'RateLimit', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

/** Lets pages of these origins call, `*` for any. No credentials mode: a key is sent by the page, never by a cookie. */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
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
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
  });
}
