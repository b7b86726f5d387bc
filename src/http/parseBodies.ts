import type { FastifyInstance } from 'fastify';
import { noteAltered } from '../numbers/json.js';

/** Parses JSON bodies as Fastify does, and notes the numbers that JSON.parse altered: the scalar JSON refuses those. */
export function parseBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    void parse(request, body, (error, value: unknown) => {
      // Nobody without a credential reaches an argument of that type, so their bodies are not worth a second look.
      if (error === null && request.principal.kind !== 'anonymous') noteAltered(body, value);
      done(error, value);
    });
  });
}
