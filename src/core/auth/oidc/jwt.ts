/** The maximum length of a JWT in characters. Node accepts 16 kB for all header fields together. */
export const MAX_JWT_LENGTH = 8_192;

/** RFC 7515 section 7.1. The third part of an unsigned JWT is empty. It matches too, so that it is refused as a JWT. */
const THREE_PARTS = /^([\w-]+)\.[\w-]+\.[\w-]*$/;

/**
 * Returns whether a credential has the format of a JWT: three parts in base64url, where the first is a JSON object with an
 * algorithm. Such a credential is never looked up as a key, even if it is an invalid JWT.
 */
export function looksLikeJwt(credential: string): boolean {
  if (!credential.includes('.') || credential.length > MAX_JWT_LENGTH) return false;
  const [, header] = THREE_PARTS.exec(credential) ?? [];
  if (header === undefined) return false;
  try {
    const fields: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    return typeof fields === 'object' && fields !== null && typeof (fields as { alg?: unknown }).alg === 'string';
  } catch {
    return false;
  }
}
