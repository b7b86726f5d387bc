import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';
import { BodyFault, TOO_LARGE } from '../http/bodyEncoding.js';

const NOT_KEPT =
  'A body parser of the server has already read the body, and did not keep it. Operators: mount the administration API before the body parser, or use a parser of JSON.';

const NOT_JSON = 'The body is not JSON, or nests too deep. Send {"query": "...", "variables": {...}}.';

/**
 * Makes bodies readable that a body parser of the host, such as `express.json()`, has already read: uses the value in `request.body`. Add
 * this before the hooks that read bodies.
 */
export function readHostBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (!request.raw.readableDidRead) {
      done(null, payload);
      return;
    }
    const text = textOf(request);
    if (text instanceof BodyFault) {
      done(text);
      return;
    }
    // The host's parser has decoded it.
    delete request.raw.headers['content-encoding'];
    const length = Number(request.headers['content-length'] ?? text.length);
    done(null, Object.assign(Readable.from([text]), { receivedEncodedLength: length }));
  });
}

function textOf({ raw }: FastifyRequest): Buffer | BodyFault {
  const { body } = raw as { readonly body?: unknown };
  if (body === undefined) return new BodyFault(400, NOT_KEPT);
  const json = Buffer.isBuffer(body) || typeof body === 'string' ? body : jsonOf(body);
  if (json === null) return new BodyFault(400, NOT_JSON);
  const text = Buffer.from(json);
  return text.length > MAX_BODY_BYTES ? new BodyFault(413, TOO_LARGE) : text;
}

/** Returns null for a value that can't be written: it nests deeper than the stack allows, or is not JSON. */
function jsonOf(value: unknown): string | null {
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? text : null;
  } catch {
    return null;
  }
}
