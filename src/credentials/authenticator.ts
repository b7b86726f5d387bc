import { MAX_CREDENTIAL_LENGTH, parseToken } from '../keys/token.js';
import { Refusal, unavailable, type UnauthenticatedReason } from '../refusals/refusal.js';
import { StoreUnavailable } from '../store/errors.js';
import { statusOf } from '../store/records.js';
import type { KeyWithTier, Store } from '../store/store.js';
import { DEFAULT_WORKSPACE_ID, type OperatorKey } from './operator.js';
import { authenticated, type AuthenticatedPrincipal } from './principal.js';
import type { SecretVerifier } from './secretVerifier.js';

const WHAT_TO_DO: Readonly<Record<UnauthenticatedReason, string>> = {
  missing: 'This needs an API key. Send it as "Authorization: Bearer <key>".',
  malformed: 'The API key is malformed: copy it again, whole and without white space.',
  unknown: 'The API key is unknown. Check that it is the right key for this installation.',
  revoked: 'The API key was revoked. Ask an administrator of the workspace for a new one.',
  expired: 'The API key has expired. Ask an administrator of the workspace to create a new one.',
};

export function unauthenticated(reason: UnauthenticatedReason): Refusal {
  return new Refusal(WHAT_TO_DO[reason], { code: 'UNAUTHENTICATED', reason });
}

export interface AuthenticatorOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces'>;
  readonly secrets: SecretVerifier;
  readonly operator: OperatorKey | null;
  /** Told of each accepted key. Must not wait for anything. */
  readonly onUse: (keyId: string, at: number) => void;
  readonly now: () => number;
}

/** A credential to a principal. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * Shape and checksum are judged before anything is read, the secret before the key's state: that a key was revoked or
   * has expired is told only to who holds it.
   *
   * @throws Refusal UNAUTHENTICATED, or UNAVAILABLE when the store is away (fails closed)
   */
  async authenticate(credential: string): Promise<AuthenticatedPrincipal> {
    if (credential.length > MAX_CREDENTIAL_LENGTH) throw unauthenticated('malformed');
    const token = parseToken(credential);
    if (token === null) return this.#authenticateOperator(credential);

    const found = await reading(this.#options.store.keys.findForVerification(token.lookupId));
    // The checksum binds nothing, so a token under another prefix is another token.
    if (found?.key.tokenPrefix !== token.tokenPrefix) throw unauthenticated('unknown');
    if (!(await this.#options.secrets.verify(found.key, token.secret))) throw unauthenticated('unknown');
    return this.#admit(found);
  }

  #admit({ key, tier }: KeyWithTier): AuthenticatedPrincipal {
    const now = this.#options.now();
    switch (statusOf(key, now)) {
      case 'REVOKED':
        throw unauthenticated('revoked');
      case 'EXPIRED':
        throw unauthenticated('expired');
      case 'ACTIVE':
    }
    this.#options.onUse(key.id, now);
    return authenticated({
      kind: 'key',
      keyId: key.id,
      familyId: key.familyId,
      workspaceId: key.workspaceId,
      tier,
      keyType: key.type,
      scopes: key.scopes,
    });
  }

  async #authenticateOperator(credential: string): Promise<AuthenticatedPrincipal> {
    const { operator, store } = this.#options;
    if (operator?.matches(credential) !== true) throw unauthenticated('malformed');
    const workspace = await reading(store.workspaces.find(DEFAULT_WORKSPACE_ID));
    if (workspace === null) throw unavailable('The default workspace is missing. Start the server anew.', 5);
    return operator.principal(workspace.tier);
  }
}

async function reading<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw storeAway(error);
    throw error;
  }
}

/** Fail closed: nobody is let in on a key that cannot be read. */
export function storeAway(cause: Error): Refusal {
  return unavailable('Keys cannot be checked at the moment. Try again shortly.', 1, cause);
}
