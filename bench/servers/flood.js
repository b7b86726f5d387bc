import { openLoop } from '../lib/openLoop.js';
import { serve } from '../lib/serve.js';
import { unknownKey, withWrongSecret } from '../lib/wrongKeys.js';

/** Sends wrong keys at a fixed rate, half of them unknown and half with a wrong secret, each from another address. */
await serve(async ({ url, body, tokens }) => ({
  calls: {
    async flood(rate, seconds) {
      const { statuses } = await openLoop({
        url,
        body,
        rate,
        seconds,
        headersOf: (i) => ({
          authorization: `Bearer ${i % 2 === 0 ? unknownKey() : withWrongSecret(tokens[i % tokens.length])}`,
          'x-forwarded-for': `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
        }),
      });
      return statuses;
    },
  },
}));
