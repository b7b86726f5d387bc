/** Of a document of the issuer's, in bytes. */
const MAX_BYTES = 512_000;

/** In ms, from asking to the last byte. */
export const TIMEOUT = 5_000;

/**
 * A fetch that gives up on what is no plain 200, and on more than a set of keys can be: whoever stands where the issuer
 * stood must not be able to fill the memory.
 *
 * @param send what sends, such as through a proxy
 * @throws Error
 */
export async function fetchBounded(
  address: string,
  options: RequestInit,
  send: typeof fetch = fetch,
): Promise<Response> {
  const response = await send(address, { ...options, redirect: 'manual' });
  const parts: Uint8Array[] = [];
  let size = 0;
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${address} answers ${response.status} instead of 200.`);
  }
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error(`${address} answers more than ${MAX_BYTES} bytes.`);
    parts.push(part);
  }
  return new Response(Buffer.concat(parts));
}
