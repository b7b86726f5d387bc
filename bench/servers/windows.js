import { Limiter } from '../../build/core/limits/limiter.js';
import { UNBOUND_TIERS } from '../lib/latchkey.js';
import { memoryInUse } from '../lib/memory.js';
import { serve } from '../lib/serve.js';

const MINUTE = 60_000;

await serve(async () => ({
  calls: {
    /**
     * Measures the windows of key families with this number of admissions each in the last minute.
     * @returns bytes of one window, and bytes of it that remain after two idle minutes
     */
    async windows(families, admissions) {
      let now = 0;
      const limiter = new Limiter({ clock: () => now, tiers: UNBOUND_TIERS });
      const names = Array.from({ length: families }, (_, i) => `fam_${String(i).padStart(16, '0')}`);
      const before = memoryInUse();
      for (let i = 0; i < admissions; i += 1) {
        now = Math.floor((i * MINUTE) / admissions);
        for (const family of names) limiter.admit({ family, tier: 'GROWTH' }, 1);
      }
      const active = (memoryInUse() - before) / families;
      now += 2 * MINUTE;
      limiter.peek({ family: 'fam_other', tier: 'GROWTH' });
      now += 2 * MINUTE;
      limiter.peek({ family: 'fam_other', tier: 'GROWTH' });
      const idle = (memoryInUse() - before) / families;
      limiter.close();
      return { active, idle };
    },
  },
}));
