import { performance } from 'node:perf_hooks';
import { mint } from '../lib/keys.js';
import { guardedShop, openLatchkey, sourceOf } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';
import { SCOPES } from '../lib/shop.js';

const INPUT = { name: 'created', scopes: SCOPES, type: 'SECRET', environment: 'LIVE' };

/** Creates and rotates keys without a server, as an administrator of each of several workspaces. */
await serve(async ({ address, workspaces, bcryptCost }) => {
  const { store, latchkey } = await openLatchkey(address, { bcryptCost });
  const { keys } = latchkey;
  // Its scopes can be granted.
  guardedShop(latchkey);
  const admins = [];
  for (let i = 0; i < workspaces; i += 1) {
    const id = `ws_${i}`;
    await store.workspaces.ensure({ id, name: id, tier: 'ENTERPRISE', createdAt: Date.now() });
    const { key, token } = mint(['admin', ...SCOPES]);
    await store.keys.insert({ ...key, workspaceId: id }, null, Date.now());
    admins.push(await latchkey.authenticate(sourceOf(token)));
  }
  const adminOf = (i) => admins[i % workspaces];
  return {
    calls: {
      /** @returns creations per second */
      create: (count, atOnce) => perSecond(count, atOnce, (i) => keys.create(adminOf(i), INPUT)),

      /** Creates the keys with one call. @returns keys per second */
      createMany: (count) =>
        perSecond(1, 1, () =>
          keys.createMany(admins[0], Array(count).fill(INPUT), { admit: async () => undefined }),
        ).then((calls) => calls * count),

      /** @returns rotations per second */
      async rotate(count, atOnce) {
        const old = Array.from({ length: count }, (_, i) => ({ ...mint().key, workspaceId: adminOf(i).workspaceId }));
        for (const key of old) await store.keys.insert(key, null, Date.now());
        return perSecond(count, atOnce, (i) => keys.rotate(adminOf(i), { id: old[i].id, overlap: 0 }));
      },
    },
    async close() {
      await latchkey.close();
      await store.close();
    },
  };
});

/** Calls `work` `count` times, `atOnce` at the same time. */
async function perSecond(count, atOnce, work) {
  let next = 0;
  const call = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, call));
  return count / ((performance.now() - began) / 1_000);
}
