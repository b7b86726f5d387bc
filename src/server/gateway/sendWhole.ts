import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Gateway } from './gateway.js';
import type { Admitted } from './operationJudge.js';
import type { Sent } from './upstream.js';
import { askUpstream } from './wholeAnswer.js';

interface Options {
  readonly gateway: Gateway;
  /** The maximum size of a response, in bytes. */
  readonly maxBytes: number;
}

interface Whole {
  /** Returns the body for the caller. @throws Refusal */
  readonly complete: (body: string) => string;
  readonly sent: Sent;
}

/**
 * Sends an operation to the upstream, and its completed response to the caller. The response is read completely, so a caller who only
 * reads streams gets a stream with one result. Rejects with a Refusal.
 */
export async function sendWhole(
  { gateway, maxBytes }: Options,
  {
    request,
    reply,
    admitted,
  }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly admitted: Admitted },
  { complete, sent }: Whole,
): Promise<FastifyReply> {
  const left = new AbortController();
  const onClose = (): void => left.abort();
  reply.raw.once('close', onClose);
  try {
    const { signal } = left;
    const onEnd = gateway.onAnswer;
    const { status, headers, body } = await askUpstream(gateway.upstream, sent, { maxBytes, signal, onEnd });
    const { type, text } = inForm(complete(body), request.headers.accept, headers['content-type']);
    const own: OutgoingHttpHeaders = Object.fromEntries(admitted.headers);
    const { 'content-length': _, 'content-encoding': __, ...passed } = headers;
    return await reply
      .code(status)
      .headers({ ...gateway.fields.toCaller(passed, own), 'content-type': type })
      .send(text);
  } finally {
    reply.raw.off('close', onClose);
  }
}

/** Returns a result in a form that the caller reads. */
function inForm(
  result: string,
  accept = '*/*',
  given = 'application/json',
): { readonly type: string; readonly text: string } {
  if (/json|\*\/\*|application\/\*/i.test(accept)) return { type: given, text: result };
  if (/text\/event-stream/i.test(accept))
    return { type: 'text/event-stream', text: `event: next\ndata: ${result}\n\nevent: complete\ndata:\n\n` };
  if (/multipart\/mixed/i.test(accept)) {
    const part = `Content-Type: application/json; charset=utf-8\r\n\r\n${result}`;
    return { type: 'multipart/mixed; boundary="-"', text: `---\r\n${part}\r\n-----\r\n` };
  }
  return { type: given, text: result };
}
