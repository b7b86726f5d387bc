import type { FastifyInstance } from 'fastify';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';

/** Parses JSON bodies like Fastify, and records numbers that JSON.parse changed: the scalar JSON rejects those. */
export function parseBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (request.routeOptions.config.keepsText === true) request.bodyText = body;
    void parse(request, body, (error, value: unknown) => {
      // Arguments of this type need a credential, so anonymous bodies are not checked.
      if (error === null && request.principal.kind !== 'anonymous') noteAltered(body, value);
      done(error, value);
    });
  });
}

/** Returns Fastify's parser as a function. It throws for JSON that is invalid, or that would change prototypes. */
export function jsonParser(app: FastifyInstance): (text: string) => unknown {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (text) => {
    let parsed: unknown;
    // It never waits, and doesn't use the request.
    void parse(undefined as never, text, (error, value: unknown) => {
      if (error !== null) throw error;
      parsed = value;
    });
    return parsed;
  };
}
