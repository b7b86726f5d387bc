const SHAPE = /^[0-9A-Za-z+/_-]{12,256}={0,2}$/;

/** Returns the bytes of base64 or base64url as a text of one character each; null if it is neither. */
export function bytesOfBase64(word: string): string | null {
  if (!SHAPE.test(word)) return null;
  const plain = word.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  if (plain.length % 4 === 1) return null;
  try {
    const bytes = atob(plain);
    // Bits that belong to no byte must be zero.
    return btoa(bytes).replace(/=+$/, '') === plain ? bytes : null;
  } catch {
    return null;
  }
}

/**
 * Returns the decoded text of a word in base64, such as Basic credentials or Kubernetes secrets; null if it is not
 * readable.
 */
export function textOfBase64(word: string): string | null {
  const bytes = bytesOfBase64(word);
  return bytes !== null && /^[\t\n\r\x20-\x7e]+$/.test(bytes) ? bytes : null;
}
