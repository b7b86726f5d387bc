import type { ServerResponse } from 'node:http';

/**
 * Ends a response with its whole body, after its header was passed to `writeHead`. `response.end(body)` adds an empty second chunk, so Node
 * collects two and writes them with `writev`, which adds about a twentieth to the CPU time of a small query.
 *
 * @param bytes the length of the body in UTF-8
 */
export function endAtOnce(response: ServerResponse, body: string, bytes: number): void {
  // ASCII text has the same bytes in both encodings, and Node writes Latin-1 faster.
  endEncoded(response, body, bytes === body.length ? 'latin1' : 'utf8');
}

/** Like {@link endAtOnce}, for text in a known encoding. */
export function endEncoded(response: ServerResponse, body: string, encoding: 'latin1' | 'utf8'): void {
  response.write(body, encoding);
  // `write` waits for more chunks until the end of this turn. There are none. A response that waits for the one
  // before it has no socket yet.
  response.socket?.uncork();
  response.end();
}
