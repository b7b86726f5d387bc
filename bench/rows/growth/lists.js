import mongoose from 'mongoose';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../lib/child.js';
import { DEFAULT_WORKSPACE_ID } from '../../../build/core/auth/operator.js';
import { digits } from '../../lib/report.js';
import { alternate } from '../../lib/rounds.js';
import { filledStore } from '../../lib/stores.js';

/** Pages that are read in each round. Their median counts. */
const PAGES = 21;

/** How long an engine may take to collect statistics of new documents, in ms. Without them, PostgreSQL doesn't choose an ordered index. */
const STATISTICS = 75_000;

/** Where the order of a page of keys comes from, by whether the plan of the engine contains SORT. */
const ORDER_OF_PAGES = {
  true: `For each page of keys, this engine sorts the keys of the workspace in memory (its plan contains SORT), although an index
has them in the order of the page. MongoDB reads such an index in order.`,
  false: 'This engine reads a page of keys in the order of an index, as MongoDB does: its plan contains no SORT.',
};

/**
 * Compares pages of lists in a small and a large store.
 *
 * @param {import('../../run.js').Run} run
 * @param {readonly [small: number, large: number]} sizes number of keys, and of entries of the audit log
 * @param {string | null} mongodbUri null: SQLite
 */
export async function* pagesBySize({ rounds }, [small, large], mongodbUri) {
  const children = {};
  let address;
  for (const size of [small, large]) {
    ({ address } = await filledStore({ keys: size, entries: size }, mongodbUri));
    children[size] = await Child.start('lists', { address, size });
  }
  const note = mongodbUri === null ? undefined : ORDER_OF_PAGES[await sortsPages(address.mongodbUri)];
  const subjects = {};
  const goals = [];
  for (const name of children[small].ready.names) {
    const [of, against] = [large, small].map((size) => `${name}, ${digits(size)} stored`);
    subjects[against] = () => children[small].call('page', name, PAGES);
    subjects[of] = () => children[large].call('page', name, PAGES);
    goals.push({ of, against, atMost: 1.5 });
  }
  for (const page of Object.values(subjects)) await page();
  yield {
    what: `A page of 25 (p50), ${mongodbUri === null ? 'SQLite' : 'MongoDB'}`,
    unit: 'ms',
    samples: await alternate(rounds, subjects),
    goals,
    ...(note !== undefined && { note }),
  };
  for (const child of Object.values(children)) await child.stop();
}

/** @returns {Promise<boolean>} whether the engine sorts the keys of a page, although an index has them in its order */
async function sortsPages(uri) {
  const connection = await mongoose.createConnection(uri).asPromise();
  try {
    const keys = connection.collection('latchkey_keys');
    const page = () => keys.find({ workspaceId: DEFAULT_WORKSPACE_ID }).sort({ createdAt: -1, _id: -1 }).limit(25);
    const end = performance.now() + STATISTICS;
    for (;;) {
      const { queryPlanner } = await page().explain();
      const sorts = JSON.stringify(queryPlanner.winningPlan).includes('"SORT"');
      if (!sorts || performance.now() > end) return sorts;
      await delay(3_000);
    }
  } finally {
    await connection.close();
  }
}
