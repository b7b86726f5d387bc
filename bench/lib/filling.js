import { DEFAULT_WORKSPACE_ID } from '../../build/core/auth/operator.js';

/** Number of keys whose tokens are kept. */
export const SAMPLE = 10_000;

/** The time of the first key and entry of a filled store, in ms since the epoch. */
export const BASE = Date.now() - 24 * 3_600_000;

/** The owner of every 25th key, and the author of every 25th entry, of a filled store. */
export const USER = 'ada';
const EVERY = 25;
const FIRST = 3;

/** The SQL condition for the number of a key or entry of that user. @param {string} number */
export const isOfUser = (number) => `${number} % ${EVERY} = ${FIRST}`;

/** Whether the key or entry with this number is one of that user. @param {number} i */
export const isNumberOfUser = (i) => i % EVERY === FIRST;

/** The ID of a workspace of a filled store. @param {number} i 0: the default workspace */
export const workspaceOf = (i) => (i === 0 ? DEFAULT_WORKSPACE_ID : `ws_${i}`);

export const defaultWorkspace = () => ({
  id: DEFAULT_WORKSPACE_ID,
  name: 'measured',
  tier: 'ENTERPRISE',
  createdAt: BASE,
});
