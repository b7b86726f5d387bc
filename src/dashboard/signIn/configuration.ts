import type { SignIn } from '../../credentials/oidc/signIn.js';

/** What the server tells before anybody signed in. */
export interface Configuration {
  /** How to sign in at the issuer; null: by keys alone. */
  readonly oidc: SignIn | null;
}

/** @throws TypeError where the server does not answer */
export async function configuration(): Promise<Configuration> {
  const response = await fetch('/dashboard/config.json', { credentials: 'omit' });
  return (await response.json()) as Configuration;
}
