/** The maximum size of a response of the issuer, in bytes. */
const MAX_BYTES = 512_000;

/** The maximum time from the request to the last byte of the response, in milliseconds. */
export const TIMEOUT = 5_000;

/**
 * Fetches a document of limited size. An attacker who takes over the issuer's address must not be able to fill the memory.
 *
 * @param send sends the request, possibly through a proxy. Default: the platform's `fetch`
 * @throws Error for any status other than 200, redirects included, or a response that is too large
 */
export async function fetchBounded(
  address: string,
  options: RequestInit,
  send: typeof fetch = fetch,
): Promise<Response> {
  const response = await send(address, { ...options, redirect: 'manual' });
  if (typeof (response as Partial<Response> | null | undefined)?.status !== 'number') {
    throw new TypeError('The option fetch returned something other than a Response.');
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${address} returned status ${response.status} instead of 200.`);
  }
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error(`${address} returned more than ${MAX_BYTES} bytes.`);
    parts.push(part);
  }
  return new Response(Buffer.concat(parts));
}
