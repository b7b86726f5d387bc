/** Longer ones are no credential at all, in characters. Node takes 16 kB of header fields together. */
export const MAX_JWT_LENGTH = 8_192;

/** RFC 7515 section 7.1. The third part is empty where nothing is signed: that too is a JWT, and refused as one. */
const THREE_PARTS = /^([\w-]+)\.[\w-]+\.[\w-]*$/;

/**
 * Is it a JWT to look at: three parts in base64url, the first of them a JSON object that names an algorithm? What is one is
 * never looked for among keys, whatever else is wrong with it.
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
