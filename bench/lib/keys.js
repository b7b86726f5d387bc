import { DEFAULT_WORKSPACE_ID } from '../../build/core/auth/operator.js';
import { newId } from '../../build/core/keys/minter.js';
import { Peppers } from '../../build/core/keys/pepper.js';
import { mintToken } from '../../build/core/keys/token.js';
import { PEPPER } from './latchkey.js';
import { SCOPES } from './shop.js';

const peppers = Peppers.of([PEPPER]);

/** A bcrypt hash of no secret: keys with a digest are neither created nor verified with bcrypt. */
const NO_HASH = `$2b$10$${'x'.repeat(53)}`;

/**
 * Creates a key without the 50 ms for bcrypt: a million of them would take half a day.
 *
 * @param {readonly string[]} [scopes] default: the shop's
 */
export function mint(scopes = SCOPES) {
  const { token, tokenPrefix, lookupId, secret } = mintToken('lks', 'LIVE');
  const key = {
    id: newId('key'),
    workspaceId: DEFAULT_WORKSPACE_ID,
    projectId: null,
    userId: null,
    familyId: newId('fam'),
    lookupId,
    tokenPrefix,
    secretHash: NO_HASH,
    digest: peppers.digest(secret),
    name: 'measured',
    type: 'SECRET',
    environment: 'LIVE',
    scopes,
    allowedAddresses: [],
    trustedDocuments: null,
    createdAt: Date.now(),
    createdBy: null,
    expiresAt: null,
    lifetime: null,
    revokedAt: null,
    revokedReason: null,
    lastUsedAt: null,
    externalId: null,
    replaces: null,
    replacedBy: null,
  };
  return { key, token };
}

/** Stores a key with the shop's scopes. @returns {Promise<string>} the token */
export async function addKey(store) {
  const { key, token } = mint();
  await store.keys.insert(key, null, Date.now());
  return token;
}
