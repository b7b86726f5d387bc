import { PrincipalTokens } from '../core/auth/signing/principalTokens.js';
import { PublishedKeys } from '../core/auth/signing/publishedKeys.js';
import { SigningKeys } from '../core/auth/signing/signingKeys.js';
import type { Foundation } from './foundation.js';

/** The `iss` of signed tokens, if the options have no `issuer`. */
export const DEFAULT_ISSUER = 'latchkey';

/** Everything that signs tokens. Nothing is published in the store before the first token has to be signed. */
export interface Signing {
  readonly keys: SigningKeys;
  readonly principalTokens: PrincipalTokens;
  readonly published: PublishedKeys;
}

export function openSigning({ options, store, now, started }: Foundation): Signing {
  const { issuer = DEFAULT_ISSUER } = options;
  const keys = new SigningKeys({ store: store.signingKeys, now });
  started.push(() => keys.close());
  return {
    keys,
    principalTokens: new PrincipalTokens({ keys, issuer, now }),
    published: new PublishedKeys({ store: store.signingKeys, now }),
  };
}
