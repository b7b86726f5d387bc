import { temporaryDatabase } from './mongo.js';
import { temporaryDirectory } from './temporary.js';
import { fillMongo } from './fillMongo.js';
import { fillSqlite } from './fillSqlite.js';
import { SCOPES } from './shop.js';

/**
 * @typedef {{ dataDir: string, mongodbUri: string | null }} Address
 * @typedef {{ address: Address, tokens: string[] }} FilledStore tokens: a sample, evenly distributed over the order of storing
 * @typedef {object} Size
 * @property {number} keys
 * @property {number} [entries] entries of the audit log of the default workspace. Default: none
 * @property {readonly string[]} [scopes] of the keys. Default: the shop's
 * @property {number} [workspaces] among which the keys are divided. Default: the default workspace only
 */

/** @type {Map<string, Promise<FilledStore>>} */
const filled = new Map();

/**
 * Returns a store of this size, created once in a run.
 *
 * @param {number | Size} size a number: of keys, without entries
 * @param {string | null} [mongodbUri] null: SQLite
 * @returns {Promise<FilledStore>}
 */
export function filledStore(size, mongodbUri = null) {
  const all = { entries: 0, workspaces: 1, scopes: SCOPES, ...(typeof size === 'number' ? { keys: size } : size) };
  const name = JSON.stringify([mongodbUri !== null, all]);
  let store = filled.get(name);
  if (store === undefined) filled.set(name, (store = fill(all, mongodbUri)));
  return store;
}

async function fill(size, mongodbUri) {
  const address = {
    dataDir: temporaryDirectory(),
    mongodbUri: mongodbUri === null ? null : temporaryDatabase(mongodbUri),
  };
  return { address, tokens: await (mongodbUri === null ? fillSqlite(address, size) : fillMongo(address, size)) };
}
