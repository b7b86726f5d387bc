import { Leaser } from '../../../src/core/quotas/leaser.js';
import type { Lease, Leased } from '../../../src/core/store/quotaStore.js';

const LEASE: Lease = {
  kind: 'credits',
  id: 'workspace/w/credits',
  workspaceId: 'w',
  least: 1,
  most: 1,
  refill: null,
};
const LEASED: Leased = { granted: 1, left: 0, start: 0, end: null, crossed: [] };

/** A store that responds in the same turn of the event loop, like SQLite in the thread of its caller. */
const store = {
  lease: async (leases: readonly Lease[]) => leases.map(() => LEASED),
  giveBack: async () => undefined,
};

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await Promise.resolve();
}

/** Resolves to whether a promise was settled in this turn of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test.each(Array.from({ length: 20 }, (_, ticks) => ticks))(
  'sends a lease that is requested %i microtasks after another one',
  async (ticks) => {
    const leaser = new Leaser(store, () => 0);
    void leaser.lease(() => LEASE);
    await microtasks(ticks);
    expect(await isSettled(leaser.lease(() => LEASE))).toBe(true);
  },
);

test.each(Array.from({ length: 20 }, (_, ticks) => ticks))(
  'sends a lease that is requested %i microtasks after units were returned',
  async (ticks) => {
    const leaser = new Leaser(store, () => 0);
    leaser.giveBack({ kind: 'credits', id: LEASE.id, workspaceId: 'w', start: 0, amount: 1 });
    await microtasks(ticks);
    expect(await isSettled(leaser.lease(() => LEASE))).toBe(true);
  },
);
