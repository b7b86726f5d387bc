import mongoose from 'mongoose';
import { setTimeout as delay } from 'node:timers/promises';
import { openStore } from '../../build/core/store/open.js';

/** Longer than the store waits for an operation, so that none is under way if none began in this time. */
const QUIET = 2_000;

/**
 * Opens a store to measure it. With MongoDB, a start checks all families in the background: waits until this has ended, and the store
 * sends no more operations.
 *
 * @param {import('./stores.js').Address} address
 */
export async function openSettledStore({ dataDir, mongodbUri }) {
  if (mongodbUri === null) return openStore({ dataDir, mongodbUri });
  let last = 0;
  mongoose.set('debug', () => (last = performance.now()));
  try {
    const store = await openStore({ dataDir, mongodbUri });
    for (let left = QUIET; left > 0; left = last + QUIET - performance.now()) await delay(left);
    return store;
  } finally {
    mongoose.set('debug', false);
  }
}
