import type { FastifyRequest } from 'fastify';
import { locateCredential, type CredentialSource } from '../../core/auth/locate.js';
import { Refusal } from '../../core/errors/refusal.js';

/**
 * Finds the credential of a stream request. A browser's EventSource can't send its own header fields, so a GET for an
 * event stream, and no other request, may have the key in its URL (RFC 6750 section 2.3 explains why this is the last
 * resort: URLs are logged on the way). The key is passed on as a header field, and never logged.
 *
 * @throws Refusal BAD_REQUEST if the key is in the URL of another request, more than once, or in addition to a header
 * field
 */
export function streamCredential({ raw, caller, method, query }: FastifyRequest): CredentialSource {
  const { headers, rawHeaders } = raw;
  const { api_key: key } = query as Record<string, unknown>;
  const source = { headers, rawHeaders, ip: caller.address };
  if (key === undefined) return source;
  // A blank value is not a key, as in a header field.
  if (typeof key === 'string' && key.trim() === '') return source;
  if (typeof key !== 'string') throw bad('The address contains api_key more than once. Send one key.');
  if (method !== 'GET' || !wantsEvents(headers.accept)) {
    throw bad(
      'A key in the URL is only accepted in a GET request with "Accept: text/event-stream", as EventSource sends it. Send it as "Authorization: Bearer <key>".',
    );
  }
  if (locateCredential(source, true) !== null) {
    throw bad('The request has two credentials, in a header and in its URL. Send one of them.');
  }
  return { headers, rawHeaders: [...rawHeaders, 'X-API-Key', key], ip: caller.address };
}

export function wantsEvents(accept: string | undefined): boolean {
  return (accept ?? '').toLowerCase().includes('text/event-stream');
}

function bad(message: string): Refusal {
  return new Refusal(message, { code: 'BAD_REQUEST' });
}
