import { randomBase62, mintToken } from './token.js';
import { INITIAL, type DefaultedField, type GivenField } from '../store/keyFields.js';
import type { KeyRecord, KeyType } from '../store/records.js';
import type { BcryptGate } from './bcryptGate.js';
import type { Peppers } from './pepper.js';

/** The chosen fields of a new key; the others are generated. Without `familyId`, the key starts a new rotation family. */
export type NewKey = Pick<KeyRecord, GivenField> & Partial<Pick<KeyRecord, DefaultedField | 'familyId'>>;

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
      ...INITIAL,
      familyId: newId('fam'),
      ...chosen,
      id,
      lookupId,
      tokenPrefix,
      secretHash: await gate.hash(secret, chosen.workspaceId),
      digest: peppers?.digest(secret) ?? null,
    };
    return { key, token };
  }
}

export type IdKind = 'key' | 'fam' | 'ws' | 'prj' | 'usr';

/** Returns a new public ID, `<kind>_<16 base62>`. It has 95 random bits, so that IDs can't be guessed. */
export function newId(kind: IdKind): string {
  return `${kind}_${randomBase62(16)}`;
}
