import type { Tokens } from './keptCredential.js';

/**
 * Revokes the refresh token at the issuer (RFC 7009), so that a stolen copy is useless. The request is sent while the browser leaves
 * the page, and nothing waits for the response: there is nothing to do if it fails.
 */
export function revoke({ refresh, revocation }: Tokens): void {
  if (refresh === null || revocation === null) return;
  const sent = fetch(revocation.endpoint, {
    method: 'POST',
    body: new URLSearchParams({ token: refresh, token_type_hint: 'refresh_token', client_id: revocation.clientId }),
    // With no-cors it is sent even if the issuer does not allow this origin to read the response.
    mode: 'no-cors',
    keepalive: true,
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
  sent.catch(() => undefined);
}
