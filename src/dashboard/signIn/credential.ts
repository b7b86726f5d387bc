/** What somebody signed in with. */
export type Credential = { readonly kind: 'key'; readonly key: string } | Tokens;

/** What the issuer gave. */
export interface Tokens {
  readonly kind: 'tokens';
  readonly access: string;
  /** Null: the issuer gives none, and who signed in does so again when it has run out. */
  readonly refresh: string | null;
  /** Until when the access token is sent, in ms since the epoch. */
  readonly until: number;
  /** Where to sign out at the issuer; null: nowhere. */
  readonly endSession: string | null;
  /** Where the refresh token is given back, and as whom; null: nowhere. */
  readonly revocation: { readonly endpoint: string; readonly clientId: string } | null;
}

/** In the session storage, which is this tab's and gone with it: neither other tabs nor a later day find it. */
const NAME = 'latchkey.credential';

export function keep(credential: Credential): void {
  sessionStorage.setItem(NAME, JSON.stringify(credential));
}

export function forget(): void {
  sessionStorage.removeItem(NAME);
}

/** What was kept in this tab; null: nothing. */
export function kept(): Credential | null {
  const text = sessionStorage.getItem(NAME);
  // Written by keep alone.
  return text === null ? null : (JSON.parse(text) as Credential);
}
