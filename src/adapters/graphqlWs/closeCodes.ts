import { unavailable, Refusal } from '../../core/errors/refusal.js';
import type { RefusalCode } from '../../core/errors/refusalDetails.js';

/** The longest reason in bytes (RFC 6455 section 5.5.1). */
const MAX_REASON = 123;

/** Close codes of the GraphQL over WebSocket protocol, and of RFC 6455. */
export const BAD_REQUEST = 4400;
const UNAUTHORIZED = 4401;
const FORBIDDEN = 4403;
const TOO_MANY_REQUESTS = 4429;
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** The close code of each refusal that can end a connection. Clients don't connect again after 4400, 4401 and 4429. */
const CODES: Readonly<Partial<Record<RefusalCode, number>>> = {
  BAD_REQUEST,
  UNAUTHENTICATED: UNAUTHORIZED,
  ADDRESS_NOT_ALLOWED: FORBIDDEN,
  FORBIDDEN,
  HTTPS_REQUIRED: FORBIDDEN,
  RATE_LIMITED: TOO_MANY_REQUESTS,
  QUOTA_EXCEEDED: TOO_MANY_REQUESTS,
  TOO_MANY_STREAMS: TOO_MANY_REQUESTS,
  STREAM_OVERFLOW: POLICY_VIOLATION,
};

/** Why a connection is closed. */
interface Closing {
  readonly code: number;
  /** At most 123 bytes. */
  readonly reason: string;
}

/** Returns the close code and the reason for an error. An error that is not a refusal is a fault of the server. */
export function closingOf(error: unknown): Closing {
  const refusal = error instanceof Refusal ? error : unavailable('The connection could not be checked.', 1, error);
  const { code } = refusal.details;
  return { code: CODES[code] ?? TRY_AGAIN_LATER, reason: reasonOf(refusal) };
}

const MISSING = 'No API key. Send it in the payload of connection_init: {"authorization": "Bearer <key>"}.';
const SEVERAL = 'The connection has two different credentials. Send one key.';

/** Returns the message of a refusal, or as many of its sentences as fit into a close frame. */
function reasonOf({ details, message }: Refusal): string {
  // Its message describes header fields, which browsers can't send.
  if (details.code === 'UNAUTHENTICATED' && details.reason === 'missing') return MISSING;
  if (details.code === 'BAD_REQUEST' && message.startsWith('The request has two')) return SEVERAL;
  let reason = '';
  for (const sentence of message.split(/(?<=\.) /)) {
    const longer = reason === '' ? sentence : `${reason} ${sentence}`;
    if (Buffer.byteLength(longer) > MAX_REASON) break;
    reason = longer;
  }
  return reason === '' ? details.code : reason;
}
