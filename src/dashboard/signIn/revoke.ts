import type { Tokens } from './credential.js';

/**
 * Gives the refresh token back to the issuer (RFC 7009): whoever should have got hold of it gets nothing more for it. It is sent
 * while the page is left for the issuer, and its answer waited for by nobody: there is nothing else to be done.
 */
export function revoke({ refresh, revocation }: Tokens): void {
  if (refresh === null || revocation === null) return;
  const sent = fetch(revocation.endpoint, {
    method: 'POST',
    body: new URLSearchParams({ token: refresh, token_type_hint: 'refresh_token', client_id: revocation.clientId }),
    // So it is sent whether or not the issuer lets this origin read the answer.
    mode: 'no-cors',
    keepalive: true,
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
  sent.catch(() => undefined);
}
