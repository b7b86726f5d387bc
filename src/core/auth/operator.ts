import { hash, timingSafeEqual } from 'node:crypto';
import { PLATFORM } from '../scopes/grammar.js';
import type { Tier } from '../store/records.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { authenticated, type AuthenticatedPrincipal } from './principal.js';

/** The ID of the first workspace of an installation, which the operator's key belongs to. */
export const DEFAULT_WORKSPACE_ID = 'default';

/** The operator's key (ADMIN_API_KEY), kept only as a hash. */
export class OperatorKey {
  readonly #hash: Buffer;

  /** @throws TypeError */
  constructor(key: string) {
    if (typeof key !== 'string') throw new TypeError('The operator key must be a string of at least 32 characters.');
    if (key.length < 32) throw new TypeError('The operator key must have at least 32 characters.');
    if (looksLikeJwt(key)) throw new TypeError('The operator key must not have the format of a JWT.');
    this.#hash = sha256(key);
  }

  /** Compares hashes in constant time, so that timing reveals neither the key's length nor its start. */
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
  return hash('sha256', text, 'buffer');
}
