import { DerivedTokens } from '../core/auth/signing/derivedTokens.js';
import { PrincipalTokens } from '../core/auth/signing/principalTokens.js';
import { PublishedKeys } from '../core/auth/signing/publishedKeys.js';
import { SigningKeys } from '../core/auth/signing/processKeys.js';
import { Authors } from '../core/keys/author.js';
import type { Foundation } from './foundation.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

/** Everything that signs tokens. Nothing is published in the store before the first token has to be signed. */
interface Signing {
  readonly keys: SigningKeys;
  readonly principalTokens: PrincipalTokens;
  readonly derivedTokens: DerivedTokens;
  readonly published: PublishedKeys;
}

export function openSigning({ options, store, now, started, configured }: Foundation): Signing {
  const issuer = issuerOf(options);
  const keys = new SigningKeys({ store: store.signingKeys, now });
  started.push(() => keys.close());
  const authors = new Authors({ store, roles: configured.roles, configured: configured.keys, now });
  return {
    keys,
    principalTokens: new PrincipalTokens({ keys, issuer, now }),
    derivedTokens: new DerivedTokens({ keys, issuer, now, authors }),
    published: new PublishedKeys({ store: store.signingKeys, now }),
  };
}

/** Returns the name of this installation in tokens. */
export function issuerOf({ issuer = 'latchkey' }: LatchkeyOptions): string {
  return issuer;
}
