import { badInput } from '../../core/errors/refusal.js';
import { scopesIn } from './verifyRequest.js';

/** The requirements in the configuration of a proxy. */
interface AuthParameters {
  readonly scopes: readonly string[];
  /** The service that the principal is for; null if it is not named. */
  readonly audience: string | null;
}

/** Where a proxy puts the parameters if it appends the path and the query of its own caller to the address. */
export const IN_THE_PATH = '/v1/auth/with/';

/**
 * Reads the parameters of /v1/auth from its address: from the query string of `/v1/auth`, or from the path after
 * `/v1/auth/with/`. There, everything after the parameters is the caller's and ignored, also its query string.
 *
 * Some proxies pass on the query string of their caller if the configuration has none. Every parameter is therefore
 * harmless in the hands of a caller: it can only require more, or name one of the configured audiences. Unknown and
 * repeated parameters are refused, so that such a configuration is noticed at once.
 *
 * @param url as received, with its query string
 * @throws Refusal BAD_USER_INPUT, whose message does not contain the address, which could contain a key
 */
export function authParameters(url: string): AuthParameters {
  const given = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(textIn(url))) {
    if (name !== 'scope' && name !== 'audience') throw wrong('an unknown parameter');
    if (given.has(name)) throw wrong('a parameter twice');
    given.set(name, value);
  }
  const scopes = scopesIn(given.get('scope') ?? '');
  if (scopes === null) throw wrong('an invalid scope');
  return { scopes, audience: given.get('audience') ?? null };
}

function textIn(url: string): string {
  if (!url.startsWith(IN_THE_PATH)) return /\?(.*)$/s.exec(url)?.[1] ?? '';
  const [parameters = ''] = url.slice(IN_THE_PATH.length).split(/[/?]/, 1);
  return parameters;
}

function wrong(what: string): Error {
  return badInput(
    [],
    `The address that your proxy uses for /v1/auth has ${what}. Known parameters: scope, with several scopes separated by spaces, and audience. The proxy must not add the query string of its caller.`,
  );
}
