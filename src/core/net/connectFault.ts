/** The meanings of a connection's error codes, as predicates after the name of a setting and `which`. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'refuses connections'],
  ['ENOTFOUND', 'has a host name that is not found'],
  ['EAI_AGAIN', 'has a host name that cannot be looked up'],
  ['EAI_NODATA', 'has a host name that is not found'],
  ['ENODATA', 'has a host name that is not found'],
  ['ESERVFAIL', 'has a host name that cannot be looked up'],
  ['ETIMEOUT', 'has a host name that cannot be looked up'],
  ['ETIMEDOUT', 'does not answer'],
  ['EHOSTUNREACH', 'cannot be reached from this machine'],
  ['ENETUNREACH', 'cannot be reached from this machine'],
  ['ECONNRESET', 'closes the connection'],
  ['EPIPE', 'closes the connection'],
  ['EPROTO', 'does not speak TLS'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'does not speak TLS'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'has a certificate for another host name'],
  ['CERT_HAS_EXPIRED', 'has a certificate that has expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'has a certificate that is not trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'has a certificate that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'has a certificate that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'has a certificate that is not trusted'],
]);

/**
 * Returns the meaning of a connection error.
 *
 * @returns null for any other error
 */
export function connectFaultOf(error: unknown): string | null {
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string') return null;
  const meaning = MEANINGS.get(code) ?? (code.startsWith('ERR_SSL_') ? 'cannot be reached by TLS' : undefined);
  return meaning === undefined ? null : `${meaning} (${code})`;
}
