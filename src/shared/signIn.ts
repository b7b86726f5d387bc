/** The parameter of a token request that contains the audience: `resource` (RFC 8707), `audience` for some issuers, or none. */
export const AUDIENCE_PARAMETERS = ['resource', 'audience', 'none'] as const;
export type AudienceParameter = (typeof AUDIENCE_PARAMETERS)[number];

/** The endpoints for signing in, from the issuer's discovery document. */
export interface SignInEndpoints {
  readonly authorization: string;
  readonly token: string;
  /** For signing out; null if not supported. */
  readonly endSession: string | null;
  /** For revoking a refresh token (RFC 7009); null if not supported. */
  readonly revocation: string | null;
  /** The algorithms with which the issuer signs ID tokens. */
  readonly idTokenAlgorithms: readonly string[];
}

/** The data that the dashboard needs for signing in at the issuer. It is public. */
export interface SignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: string;
  readonly audienceParameter: AudienceParameter;
  /** null if the issuer is unavailable. */
  readonly endpoints: SignInEndpoints | null;
}
