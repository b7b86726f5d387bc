/** The credential of a session. */
export type Credential = { readonly kind: 'key'; readonly key: string } | Tokens;

/** The tokens of an issuer. */
export interface Tokens {
  readonly kind: 'tokens';
  readonly access: string;
  /** null if the issuer provides none, so the user signs in again when the access token expires. */
  readonly refresh: string | null;
  /** The end of the access token, in ms since the epoch. */
  readonly until: number;
  /** The URL for signing out at the issuer; null if none. */
  readonly endSession: string | null;
  /** The URL and client ID for revoking the refresh token; null if none. */
  readonly revocation: { readonly endpoint: string; readonly clientId: string } | null;
}

/** The key in the session storage, which belongs to this tab and is deleted with it. */
const NAME = 'latchkey.credential';

export function keep(credential: Credential): void {
  sessionStorage.setItem(NAME, JSON.stringify(credential));
}

export function forget(): void {
  sessionStorage.removeItem(NAME);
}

/** Returns the credential that is stored for this tab; null if none. */
export function kept(): Credential | null {
  const text = sessionStorage.getItem(NAME);
  // Only `keep` writes it.
  return text === null ? null : (JSON.parse(text) as Credential);
}
