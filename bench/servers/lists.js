import { DEFAULT_WORKSPACE_ID } from '../../build/core/auth/operator.js';
import { timedEach } from '../lib/clock.js';
import { BASE, USER } from '../lib/filling.js';
import { serve } from '../lib/serve.js';
import { openSettledStore } from '../lib/settledStore.js';
import { percentile } from '../lib/stats.js';

const FIRST = 25;

/** Lists of a store, by what is listed, without a server. */
await serve(async ({ address, size }) => {
  const store = await openSettledStore(address);
  const now = Date.now();
  const keys = async (filter, more = {}) => {
    const page = { first: FIRST, after: null, filter, now, ...more };
    return (await store.keys.list(DEFAULT_WORKSPACE_ID, page)).keys;
  };
  const entries = (filter, before = null) => store.audit.list(DEFAULT_WORKSPACE_ID, { first: FIRST, before, filter });
  const middle = { value: BASE + size / 2, id: '' };
  const lists = {
    keys: () => keys({}),
    'keys in the middle': () => keys({}, { after: middle }),
    'keys by name': () => keys({}, { order: { field: 'NAME', direction: 'ASC' } }),
    'active keys': () => keys({ status: 'ACTIVE' }),
    "an owner's keys": () => keys({ externalId: USER }),
    entries: () => entries({}),
    'entries in the middle': () => entries({}, size / 2),
    "an author's entries": () => entries({ actor: USER }),
    'entries of an action': () => entries({ actions: ['key.created'] }),
  };
  for (const [name, list] of Object.entries(lists)) {
    const found = await list();
    if (found.length !== FIRST) throw new Error(`A page of ${name} has ${found.length}.`);
  }
  return {
    ready: { names: Object.keys(lists) },
    calls: {
      /** Reads a page repeatedly. @returns ms, the median */
      page: async (name, times) => percentile(await timedEach(times, lists[name]), 0.5),
    },
    close: () => store.close(),
  };
});
