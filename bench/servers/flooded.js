import { addKey } from '../lib/keys.js';
import { shopServer } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';

/** Latchkey's server behind a proxy, so that a flood can come from many addresses. */
await serve(async ({ dataDir }) => {
  const { app, latchkey, store } = await shopServer({ dataDir }, { trustProxy: ['127.0.0.1'] });
  const tokens = [];
  for (let i = 0; i < 100; i += 1) tokens.push(await addKey(store));
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    ready: { url: `${address}/graphql`, tokens },
    calls: { bcrypt: () => latchkey.bcrypt.counts },
    async close() {
      await app.close();
      await latchkey.close();
      await store.close();
    },
  };
});
