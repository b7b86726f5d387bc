import type { SignIn } from '../../shared/signIn.js';
import { BASE } from '../place.js';

/** The configuration that the server publishes without a key. */
interface Configuration {
  /** How to sign in with the issuer; null if only keys are accepted. */
  readonly oidc: SignIn | null;
}

/** @throws TypeError if the server does not respond */
export async function configuration(): Promise<Configuration> {
  const response = await fetch(`${BASE}config.json`, { credentials: 'omit' });
  return (await response.json()) as Configuration;
}
