import { addKey, mint } from '../lib/keys.js';
import { shopServer, unboundTiers } from '../lib/latchkey.js';
import { Limiter } from '../../build/core/limits/limiter.js';
import { serve } from '../lib/serve.js';

const SMALL_WORKSPACE = 'small';

/** A key of the tier STARTER has used up its limits with its first request. */
const TIERS = unboundTiers({ STARTER: { rate: 1, burst: 1 } });

/** Latchkey's server behind a proxy, with a good key, a revoked one, and one with a limit of one request. */
await serve(async ({ dataDir }) => {
  const { app, latchkey, store } = await shopServer(
    { dataDir },
    { trustProxy: ['127.0.0.1'], limits: new Limiter({ tiers: TIERS }) },
  );
  const now = Date.now();
  await store.workspaces.ensure({ id: SMALL_WORKSPACE, name: SMALL_WORKSPACE, tier: 'STARTER', createdAt: now });
  const revoked = mint();
  await store.keys.insert(revoked.key, null, now);
  await store.keys.revoke(revoked.key.id, null, null, { at: now });
  const limited = mint();
  await store.keys.insert({ ...limited.key, workspaceId: SMALL_WORKSPACE }, null, now);
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    ready: {
      url: `${address}/graphql`,
      tokens: { good: await addKey(store), revoked: revoked.token, limited: limited.token },
    },
    async close() {
      await app.close();
      await latchkey.close();
      await store.close();
    },
  };
});
