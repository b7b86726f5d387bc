import type { FastifyRequest } from 'fastify';
import { locateCredential, type CredentialSource } from '../credentials/locate.js';
import { Refusal } from '../refusals/refusal.js';

/**
 * Where a stream's credential is looked for. A browser's EventSource can send no header of its own, so that a GET for an
 * event stream, and nothing else, may bring the key in its address (RFC 6750 section 2.3 says why that is the last resort:
 * addresses are written down along the way). Here it is handed on as a header field, and written nowhere.
 *
 * @throws Refusal BAD_REQUEST where it stands in the address of another request, more than once, or beside a header's
 */
export function streamCredential({ raw, caller, method, query }: FastifyRequest): CredentialSource {
  const { headers, rawHeaders } = raw;
  const { api_key: key } = query as Record<string, unknown>;
  const source = { headers, rawHeaders, ip: caller.address };
  if (key === undefined) return source;
  // Blank, it is no key, as in a header field.
  if (typeof key === 'string' && key.trim() === '') return source;
  if (typeof key !== 'string') throw bad('The address holds api_key more than once. Send one key.');
  if (method !== 'GET' || !wantsEvents(headers.accept)) {
    throw bad(
      'A key in the address is accepted only of a GET with "Accept: text/event-stream", as an EventSource sends. Send it as "Authorization: Bearer <key>".',
    );
  }
  if (locateCredential(source, true) !== null) {
    throw bad('The request carries two credentials, in a header and in its address. Send one of them.');
  }
  return { headers, rawHeaders: [...rawHeaders, 'X-API-Key', key], ip: caller.address };
}

export function wantsEvents(accept: string | undefined): boolean {
  return (accept ?? '').toLowerCase().includes('text/event-stream');
}

function bad(message: string): Refusal {
  return new Refusal(message, { code: 'BAD_REQUEST' });
}
