import { ADDRESS, isAddress } from './oidcConfiguration.js';
import { fetchBounded, TIMEOUT } from './fetchBounded.js';

/** The discovery document of an issuer. */
interface Discovered {
  /** Returns an address of the document. @throws Error if it has none with this name */
  address(name: string): string;
  /** Returns an address of the document; null if it has none with this name. */
  optionalAddress(name: string): string | null;
  /** Returns a list of strings, such as names of algorithms; empty if the document has none with this name. */
  words(name: string): readonly string[];
}

/**
 * Reads the discovery document of an issuer (OpenID Connect Discovery 1.0, sections 4.1 to 4.3).
 * @param send sends the request, possibly through a proxy. Default: the platform's `fetch`
 * @throws Error
 */
export async function discover(issuer: string, send?: typeof fetch): Promise<Discovered> {
  const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetchBounded(at, { signal: AbortSignal.timeout(TIMEOUT) }, send);
  const document = (await response.json()) as Readonly<Record<string, unknown>> | null;
  // Prevents that the document of a different issuer is used, which could sign tokens in the name of this one.
  if (document?.issuer !== issuer) throw new Error(`${at} is not the document of the issuer ${issuer}.`);
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
      if (value === null) throw new Error(`${at} has no valid ${name}. Allowed: ${ADDRESS}.`);
      return value;
    },
  };
}
