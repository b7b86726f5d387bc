import { GraphQLError } from 'graphql';
import type { Arrival } from './hooks.js';
import { requestOfNode } from './requestOfNode.js';

/** The default of Yoga's own option. */
export const MAX_BODY_BYTES = 25_000_000;

/**
 * Bounds the body of a request, in place of Yoga, which passes each body through another stream to count its bytes. This takes more
 * time than everything else that Yoga does for a small query. Node ends a body at its Content-Length, so a body is only counted
 * without this field, or if it is compressed: another plugin, such as useContentEncoding, may have replaced the request by one
 * with the decompressed body and the same header fields.
 *
 * @param most the largest body, in bytes
 * @throws GraphQLError with its status
 */
export function boundBody(
  { request, requestParser, setRequestParser, fetchAPI, serverContext }: Arrival,
  most: number,
): void {
  const length = request.headers.get('content-length');
  if (length !== null && Number(length) > most) throw tooLarge(most);
  if (length !== null && !isEncoded(request) && requestOfNode(serverContext) !== null) return;
  if (requestParser === undefined || request.body == null) return;
  setRequestParser((given) => requestParser(counted(given, fetchAPI, most)));
}

function isEncoded({ headers }: Request): boolean {
  return (headers.get('content-encoding') ?? 'identity') !== 'identity';
}

/** Returns the same request with a body that fails when it becomes too large. */
function counted(request: Request, fetchAPI: Arrival['fetchAPI'], most: number): Request {
  const { url, method, headers, signal, body } = request;
  if (body === null) return request;
  const Stream = body instanceof ReadableStream ? TransformStream : fetchAPI.TransformStream;
  let read = 0;
  const limited = body.pipeThrough(
    new Stream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        read += chunk.byteLength;
        if (read > most) controller.error(tooLarge(most));
        else controller.enqueue(chunk);
      },
    }),
  );
  return new fetchAPI.Request(url, { method, headers, signal, body: limited, duplex: 'half' });
}

function tooLarge(most: number): GraphQLError {
  return new GraphQLError(`The body is larger than ${most} bytes. Send less in one request.`, {
    extensions: { code: 'BAD_REQUEST', http: { status: 413 } },
  });
}
