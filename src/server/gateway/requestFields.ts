import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../core/auth/principal.js';
import { PRINCIPAL_HEADER } from '../../core/auth/signing/principalTokens.js';
import { parseTraceparent } from '../tracing/traceparent.js';
import type { PassedFields } from './forwardedFields.js';

/** Signs the principal of a request. */
interface Signer {
  readonly sign: (principal: Principal) => string;
}

/** Returns the header fields of a request to the upstream: alternating names and values. */
export function requestFields(gateway: Signer & { readonly fields: PassedFields }, request: FastifyRequest): string[] {
  return withOwn(gateway.fields.toUpstream(request.raw.headers), gateway, request);
}

/** Returns the header fields of a request whose response the gateway reads completely. */
export function fieldsForWhole(gateway: Signer & { readonly fields: PassedFields }, request: FastifyRequest): string[] {
  const { headers } = request.raw;
  const accept = headers.accept?.includes(RESPONSE_TYPE) === true ? `${RESPONSE_TYPE}, ${JSON_TYPE};q=0.9` : JSON_TYPE;
  const given = { ...headers, accept, 'accept-encoding': 'identity' };
  return withOwn(gateway.fields.toUpstream(given), gateway, request);
}

const JSON_TYPE = 'application/json';
/** The type of the GraphQL over HTTP specification, whose status shows whether there is data. */
const RESPONSE_TYPE = 'application/graphql-response+json';

/** Appends the fields that the gateway itself adds. */
export function withOwn(fields: string[], { sign }: Signer, request: FastifyRequest): string[] {
  fields.push('x-request-id', request.id);
  const traceparent = traceparentOf(request);
  if (traceparent !== null) fields.push('traceparent', traceparent);
  fields.push(PRINCIPAL_HEADER, sign(request.principal));
  return fields;
}

/** Returns the span of this request, or the caller's if requests are not traced here; null if there is neither. */
function traceparentOf({ span, raw }: FastifyRequest): string | null {
  if (span != null) {
    const { traceId, spanId, traceFlags } = span.span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }
  const remote = parseTraceparent(raw.headers.traceparent);
  return remote && `00-${remote.traceId}-${remote.spanId}-0${remote.traceFlags}`;
}
