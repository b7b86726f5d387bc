import { startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { latchkey } from './latchkey.js';

/** Keys that a workspace may create in a second. */
const BURST = 2;
const PROCESSES = 6;

test('U4: commands that create and rotate keys wait for their turn, and each key is created exactly once', async () => {
  // A clock that does not move by itself: the test makes room.
  let now = Date.now();
  const service = await startService({
    env: { DEFAULT_TIER: 'ENTERPRISE' },
    tiers: tierTable({ KEY_CREATION: { rate: 300, burst: BURST } }),
    now: () => now,
  });
  try {
    const env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken };
    const refusals = (): number => service.logs.filter((line) => line.includes('429')).length;
    const finished: string[] = [];
    const start = async (...args: string[]) => {
      const ran = await latchkey(['keys', ...args, '--quiet'], { env });
      finished.push(ran.stdout.trim());
      return ran;
    };
    const first = await start('create', 'first', '--scopes', 'read:assets');
    expect(first.status).toBe(0);
    now += 1_001;
    const [key] = await keysOf(service);

    const runs = Array.from({ length: PROCESSES - 1 }, (_, i) =>
      start('create', `key ${i}`, '--scopes', 'read:assets'),
    );
    runs.push(start('rotate', String(key?.id), '--overlap', '0s'));
    await until(() => finished.length === 1 + BURST);
    const waiting = PROCESSES - BURST;
    // Each is refused more often than a request without a response is retried.
    await until(() => refusals() >= 6 * waiting);
    expect(finished).toHaveLength(1 + BURST);
    for (let done = 1 + BURST; done < 1 + PROCESSES; done += BURST) {
      now += 1_001;
      await until(() => finished.length === done + BURST);
    }
    for (const { status, stderr } of await Promise.all(runs)) {
      expect([status, stderr]).toEqual([
        0,
        'Store the token now: the server keeps only a hash of it and cannot show it again.\n',
      ]);
    }
    expect(new Set(finished).size).toBe(1 + PROCESSES);
    const names = (await keysOf(service)).map(({ name }) => name).sort();
    expect(names).toEqual(['first', 'first', ...Array.from({ length: PROCESSES - 1 }, (_, i) => `key ${i}`)]);
  } finally {
    await service.close();
  }
});

/** The keys that the commands created. */
async function keysOf(service: TestService): Promise<readonly { id: string; name: string }[]> {
  const { body } = await service.query('{ apiKeys(first: 100) { nodes { id name scopes } } }');
  return body.data.apiKeys.nodes.filter(({ scopes }: { scopes: string[] }) => scopes.includes('read:assets'));
}
