import { ADDRESS, isAddress } from './configuration.js';
import { fetchBounded, TIMEOUT } from './fetchBounded.js';

/** What an issuer says of itself, as far as it was asked for. */
export interface Discovered {
  /** @throws Error where the document names no address there */
  address(name: string): string;
  /** Null where the document names none. */
  optionalAddress(name: string): string | null;
  /** Words, as names of algorithms; empty where the document has none. */
  words(name: string): readonly string[];
}

/** OpenID Connect Discovery 1.0, sections 4.1 to 4.3. @param send what sends, such as through a proxy @throws Error */
export async function discover(issuer: string, send?: typeof fetch): Promise<Discovered> {
  const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetchBounded(at, { signal: AbortSignal.timeout(TIMEOUT) }, send);
  const document = (await response.json()) as Readonly<Record<string, unknown>> | null;
  // Whoever could put another's document here would sign in another's name.
  if (document?.issuer !== issuer) throw new Error(`${at} is of another issuer than ${issuer}.`);
  const optionalAddress = (name: string): string | null => {
    const value = document[name];
    return typeof value === 'string' && isAddress(value) ? value : null;
  };
  return {
    optionalAddress,
    words(name) {
      const value = document[name];
      return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
    },
    address(name) {
      const value = optionalAddress(name);
      if (value === null) throw new Error(`${at} lacks a ${name}, which is ${ADDRESS}.`);
      return value;
    },
  };
}
