import { createHash, timingSafeEqual } from 'node:crypto';
import { PLATFORM } from '../scopes/grammar.js';
import type { Tier } from '../store/records.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { authenticated, type AuthenticatedPrincipal } from './principal.js';

/** The workspace that an installation begins with, and in which the operator's key stands. */
export const DEFAULT_WORKSPACE_ID = 'default';

/** The operator's key (ADMIN_API_KEY), kept only as a hash. */
export class OperatorKey {
  readonly #hash: Buffer;

  constructor(key: string) {
    if (typeof key !== 'string') throw new TypeError('An operator key is a string of at least 32 characters.');
    if (key.length < 32) throw new TypeError('An operator key has at least 32 characters.');
    if (looksLikeJwt(key)) throw new TypeError('An operator key must not have the form of a JWT.');
    this.#hash = sha256(key);
  }

  /** Compares hashes in constant time: neither the key's length nor its beginning can be felt out. */
  matches(credential: string): boolean {
    return timingSafeEqual(this.#hash, sha256(credential));
  }

  principal(tier: Tier): AuthenticatedPrincipal {
    return authenticated({
      kind: 'operator',
      keyId: 'operator',
      familyId: 'operator',
      workspaceId: DEFAULT_WORKSPACE_ID,
      projectId: null,
      userId: null,
      tier,
      keyType: 'SECRET',
      scopes: [PLATFORM],
    });
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
