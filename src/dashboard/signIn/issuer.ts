import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  None,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  validateAuthResponse,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import type { SignIn, SignInEndpoints } from '../../shared/signIn.js';
import { configuration } from './signInConfiguration.js';
import type { Tokens } from './keptCredential.js';
import { BASE } from '../place.js';

/**
 * Signs in with the issuer: the authorization code flow of OpenID Connect with PKCE (RFC 7636, S256), as a public client
 * (RFC 9700 section 2.1). Loaded only when it is used.
 */

/** Values to compare when the issuer sends the browser back. */
interface Pending {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly forTab: boolean;
  /** The page of the dashboard to open after the sign-in. */
  readonly path: string;
}

/** The result of a sign-in. `message` is for people. */
export type Returned =
  { readonly tokens: Tokens; readonly forTab: boolean; readonly path: string } | { readonly fault: string };

/**
 * The key in the session storage, which belongs to this tab. The values must survive the redirect to the issuer and
 * back.
 */
const NAME = 'latchkey.signIn';

/** How long before its expiry an access token is renewed, in ms: clocks differ, and a request takes time. */
const MARGIN = 10_000;

/** The lifetime of a token if the issuer does not say, in ms. The server checks the token on each request anyway. */
const UNKNOWN_LIFETIME = 5 * 60_000;

const redirectUri = (): string => `${location.origin}${BASE}callback`;

/** Opens the sign-in page of the issuer. */
export async function leaveFor(signIn: SignIn, forTab: boolean): Promise<void> {
  const { endpoints } = signIn;
  if (endpoints === null) return;
  const pending: Pending = {
    verifier: generateRandomCodeVerifier(),
    state: generateRandomState(),
    nonce: generateRandomNonce(),
    forTab,
    path: location.pathname,
  };
  const url = new URL(endpoints.authorization);
  for (const [name, value] of Object.entries({
    client_id: signIn.clientId,
    response_type: 'code',
    redirect_uri: redirectUri(),
    scope: signIn.scopes.join(' '),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    ...audienceOf(signIn),
    // Without this scope there is no refresh token (OpenID Connect Core 1.0, section 11).
    ...(signIn.scopes.includes('offline_access') && { prompt: 'consent' }),
  })) {
    url.searchParams.set(name, value);
  }
  sessionStorage.setItem(NAME, JSON.stringify(pending));
  location.assign(url);
}

/** Exchanges the code that the issuer sent for tokens, once. @param parameters of the callback's address */
export async function takeReturn(parameters: URLSearchParams): Promise<Returned> {
  const text = sessionStorage.getItem(NAME);
  sessionStorage.removeItem(NAME);
  // No sign-in was started in this tab. A link with someone else's code would sign the user in as that person.
  if (text === null) return { fault: 'This sign-in was not started in this tab, or was already used. Sign in again.' };
  const { verifier, state, nonce, forTab, path } = JSON.parse(text) as Pending;
  const signIn = (await configuration()).oidc;
  if (signIn?.endpoints == null) return { fault: 'The issuer does not respond at the moment. Try again later.' };
  const { as, client, options } = metadata(signIn, signIn.endpoints);
  try {
    const answer = validateAuthResponse(as, client, parameters, state);
    const response = await authorizationCodeGrantRequest(as, client, None(), answer, redirectUri(), verifier, {
      ...options,
      additionalParameters: audienceOf(signIn),
    });
    const given = await processAuthorizationCodeResponse(as, client, response, {
      ...(signIn.scopes.includes('openid') && { expectedNonce: nonce, requireIdToken: true }),
    });
    return { tokens: tokensOf(given, signIn, signIn.endpoints), forTab, path };
  } catch (error) {
    return { fault: inWords(error, signIn) };
  }
}

/** Returns new tokens for expired ones; null if the issuer provides none, so that the user must sign in again. */
export async function renewed({ refresh, endSession }: Tokens): Promise<Tokens | null> {
  if (refresh === null) return null;
  try {
    const signIn = (await configuration()).oidc;
    if (signIn?.endpoints == null) return null;
    const { as, client, options } = metadata(signIn, signIn.endpoints);
    const response = await refreshTokenGrantRequest(as, client, None(), refresh, {
      ...options,
      additionalParameters: audienceOf(signIn),
    });
    const given = await processRefreshTokenResponse(as, client, response);
    return { ...tokensOf(given, signIn, signIn.endpoints), refresh: given.refresh_token ?? refresh, endSession };
  } catch {
    return null;
  }
}

function metadata({ issuer, clientId }: SignIn, { authorization, token, idTokenAlgorithms }: SignInEndpoints) {
  return {
    as: {
      issuer,
      authorization_endpoint: authorization,
      token_endpoint: token,
      id_token_signing_alg_values_supported: [...idTokenAlgorithms],
    },
    client: { client_id: clientId },
    // The server allows plain HTTP only for an issuer on the same machine.
    // oxlint-disable-next-line typescript/no-deprecated -- The mark is a warning, and plain HTTP is meant here.
    options: { [allowInsecureRequests]: token.startsWith('http:') },
  };
}

/** Returns the parameters for the audience of the token: the ones of RFC 8707, or the ones that the issuer requires. */
function audienceOf({ audience, audienceParameter }: SignIn): Record<string, string> {
  return audienceParameter === 'none' ? {} : { [audienceParameter]: audience };
}

function tokensOf(given: TokenEndpointResponse, { clientId }: SignIn, endpoints: SignInEndpoints): Tokens {
  const { endSession, revocation } = endpoints;
  const lifetime = given.expires_in === undefined ? UNKNOWN_LIFETIME : given.expires_in * 1_000;
  return {
    kind: 'tokens',
    access: given.access_token,
    refresh: given.refresh_token ?? null,
    until: Date.now() + lifetime - Math.min(MARGIN, lifetime / 2),
    endSession: endSession === null ? null : endSessionUrl(endSession, clientId, given.id_token),
    revocation: revocation === null ? null : { endpoint: revocation, clientId },
  };
}

/** OpenID Connect RP-Initiated Logout 1.0, section 2. */
function endSessionUrl(endpoint: string, clientId: string, idToken: string | undefined): string {
  const url = new URL(endpoint);
  url.searchParams.set('client_id', clientId);
  url.searchParams.set('post_logout_redirect_uri', `${location.origin}${BASE}`);
  if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken);
  return url.href;
}

function inWords(error: unknown, { issuer }: SignIn): string {
  const { host } = new URL(issuer);
  if (error instanceof AuthorizationResponseError) {
    return error.error === 'access_denied'
      ? `${host} denied access, or you cancelled. Sign in again, or use a key.`
      : `${host} rejected the sign-in: ${error.error}. Ask its administrator to check the dashboard's client.`;
  }
  if (error instanceof TypeError) {
    return `${host} does not respond to this page. Ask its administrator to allow this origin (CORS) at the token endpoint.`;
  }
  return `Invalid response from ${host}. Sign in again. If that fails, ask its administrator to check the dashboard's client.`;
}
