import { createHash, randomBytes } from 'node:crypto';

/**
 * The cheapest secure check of a key: a lookup of its SHA-256 in a Map. It runs before guards that do not verify keys
 * themselves.
 */
export class HashedKeys {
  #scopes = new Map();

  /** @param {readonly string[]} scopes @returns {string} the key */
  create(scopes) {
    const key = `sk_${randomBytes(32).toString('hex')}`;
    this.#scopes.set(hashOf(key), scopes);
    return key;
  }

  /** @param {string | null} key @returns {readonly string[]} none for an unknown key */
  scopesOf(key) {
    return (key !== null && this.#scopes.get(hashOf(key))) || [];
  }
}

/** @param {string | undefined} authorization the field's value */
export function bearerIn(authorization = '') {
  return authorization.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : null;
}

/** @param {string} key */
function hashOf(key) {
  return createHash('sha256').update(key).digest('hex');
}
