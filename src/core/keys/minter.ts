import { randomBase62, mintToken } from './token.js';
import type { KeyRecord, KeyType } from '../store/records.js';
import type { BcryptGate } from './bcryptGate.js';
import type { Peppers } from './pepper.js';

/** The chosen fields of a new key; the others are generated. Without `familyId`, the key starts a new rotation family. */
export type NewKey = Pick<
  KeyRecord,
  'workspaceId' | 'name' | 'scopes' | 'type' | 'environment' | 'expiresAt' | 'lifetime' | 'createdAt' | 'createdBy'
> &
  Partial<Pick<KeyRecord, 'familyId' | 'replaces' | 'projectId' | 'userId' | 'allowedAddresses' | 'trustedDocuments'>>;

interface KeyMinterOptions {
  readonly gate: BcryptGate;
  readonly peppers: Peppers | null;
  readonly prefixes: Readonly<Record<KeyType, string>>;
}

/** Creates keys: the record for the store, and the token, which is returned and not kept. */
export class KeyMinter {
  readonly #options: KeyMinterOptions;

  constructor(options: KeyMinterOptions) {
    this.#options = options;
  }

  /** Creates a key, which takes one bcrypt run. @throws Refusal UNAVAILABLE if the queue for bcrypt is full */
  async mint(chosen: NewKey): Promise<{ readonly key: KeyRecord; readonly token: string }> {
    const { gate, peppers, prefixes } = this.#options;
    const { token, tokenPrefix, lookupId, secret } = mintToken(prefixes[chosen.type], chosen.environment);
    const id = newId('key');
    const key: KeyRecord = {
      ...chosen,
      id,
      familyId: chosen.familyId ?? newId('fam'),
      projectId: chosen.projectId ?? null,
      userId: chosen.userId ?? null,
      allowedAddresses: chosen.allowedAddresses ?? [],
      trustedDocuments: chosen.trustedDocuments ?? null,
      lookupId,
      tokenPrefix,
      secretHash: await gate.hash(secret, chosen.workspaceId),
      digest: peppers?.digest(secret) ?? null,
      revokedAt: null,
      revokedReason: null,
      lastUsedAt: null,
      replaces: chosen.replaces ?? null,
      replacedBy: null,
    };
    return { key, token };
  }
}

export type IdKind = 'key' | 'fam' | 'ws' | 'prj' | 'usr';

/** Returns a new public ID, `<kind>_<16 base62>`. It has 95 random bits, so that IDs can't be guessed. */
export function newId(kind: IdKind): string {
  return `${kind}_${randomBase62(16)}`;
}
