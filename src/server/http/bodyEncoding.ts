import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';

/** A body that can't be read because of its encoding. The message is sent to the caller. */
export class BodyFault extends Error {
  readonly statusCode: 400 | 406 | 408 | 413 | 415;

  constructor(statusCode: BodyFault['statusCode'], message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

type Decode = (body: Buffer, options: ZlibOptions) => Buffer;

const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['br', brotliDecompressSync],
  // Some clients omit the zlib wrapper that RFC 9110 section 8.4.1.2 requires.
  ['deflate', (body, options) => (hasZlibHeader(body) ? inflateSync : inflateRawSync)(body, options)],
]);

/** Supported encodings of a body, in the form of Accept-Encoding. */
export const BODY_ENCODINGS = 'gzip, br, deflate';

const UNSUPPORTED = `Unsupported Content-Encoding. Send the body with one of ${BODY_ENCODINGS}, applied once, or without an encoding.`;
const MALFORMED = "The body doesn't match its Content-Encoding. Compress it again, or send it without an encoding.";
/** Applies to encoded and decoded bodies. */
export const TOO_LARGE = `The body is larger than ${MAX_BODY_BYTES} bytes. Send less in one request.`;

/**
 * Decodes compressed bodies, after authentication and before parsing. A streaming decoder that waits for a slow caller
 * would use up to 16 MB (brotli's window), so the compressed body is read completely, up to {@link MAX_BODY_BYTES}, and
 * decoded in one step with the same limit.
 */
export function decodeBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const encoding = encodingOf(request);
    if (encoding === null) {
      done(null, payload);
      return;
    }
    const decode = DECODERS.get(encoding);
    if (decode === undefined) {
      done(new BodyFault(415, UNSUPPORTED));
      return;
    }
    if (Number(request.headers['content-length']) > MAX_BODY_BYTES) {
      done(new BodyFault(413, TOO_LARGE));
      return;
    }
    readWhole(payload as Readable).then(
      (body) => {
        const decoded = tryDecode(decode, body);
        if (decoded instanceof BodyFault) done(decoded);
        else done(null, Object.assign(Readable.from([decoded]), { receivedEncodedLength: body.length }));
      },
      (error: unknown) => done(error as Error),
    );
  });
}

/** @returns null if the request has no encoded body */
function encodingOf({ method, headers }: FastifyRequest): string | null {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  return method !== 'POST' || encoding === '' || encoding === 'identity' ? null : encoding;
}

/**
 * Reads a body, and rejects with a BodyFault as soon as it is too large. Uses events, because leaving a `for await`
 * loop would close the connection.
 */
function readWhole(payload: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const add = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= MAX_BODY_BYTES) return;
      payload.off('data', add).resume();
      chunks.length = 0;
      reject(new BodyFault(413, TOO_LARGE));
    };
    payload.on('data', add);
    payload.once('end', () => resolve(Buffer.concat(chunks)));
    payload.once('error', (error) => {
      payload.off('data', add);
      reject(error);
    });
  });
}

function tryDecode(decode: Decode, body: Buffer): Buffer | BodyFault {
  try {
    return decode(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ERR_BUFFER_TOO_LARGE' ? new BodyFault(413, TOO_LARGE) : new BodyFault(400, MALFORMED);
  }
}

/** RFC 1950 section 2.2: method 8, and the two bytes are a multiple of 31. */
function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}
