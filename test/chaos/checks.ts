import { latchkey } from '../cli/latchkey.js';
import { most, wronglyRefused, type Asked } from '../server/redis/load.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../src/core/limits/window.js';
import { WINDOWS, type Fleet, type Reply } from './fleet.js';

/** The maximum recovery time after a fault, in ms. */
export const RECOVERY = 2_000;

const AT_ONCE = 50;

/**
 * Expects that no window was exceeded, and that no request within the limits was refused later than {@link RECOVERY}.
 */
export function expectExact(asked: readonly Asked[], tier: keyof typeof WINDOWS, ended: number): void {
  const limits = WINDOWS[tier];
  const found = { burst: most(asked, BURST_WINDOW), rate: most(asked, RATE_WINDOW) };
  expect({ tier, within: found.burst <= limits.burst && found.rate <= limits.rate, found }).toMatchObject({
    within: true,
  });
  const wrong = wronglyRefused(asked, limits, ended + RECOVERY);
  expect(wrong.map(({ process, sent, outcome }) => ({ tier, process, outcome, after: sent - ended }))).toEqual([]);
}

/** Expects that each 503 says when to try again, and that there were no other errors. */
export function expectDocumented(replies: readonly (Asked & Reply)[]): void {
  expect(replies.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
  expect(replies.filter((one) => one.outcome === 'unavailable' && one.retryAfter === undefined)).toEqual([]);
}

/** Expects every acknowledged key to be there, and the workspace's audit chain to be whole. */
export async function expectStored(fleet: Fleet, admin: string, ids: readonly string[]): Promise<void> {
  const missing: string[] = [];
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const some = ids.slice(i, i + AT_ONCE);
    const { body } = await fleet
      .member(0)
      .ask(`{ ${some.map((id, n) => `k${n}: apiKey(id: "${id}") { id }`).join(' ')} }`, admin);
    missing.push(...some.filter((id, n) => body?.data?.[`k${n}`]?.id !== id));
  }
  expect(missing).toEqual([]);
  const verified = await latchkey(['audit', 'verify'], {
    env: { LATCHKEY_URL: `${fleet.member(0).origin}/graphql`, LATCHKEY_API_KEY: admin },
  });
  // With what the member logged, which explains a failure.
  expect([verified, fleet.member(0).child.output()]).toEqual([
    expect.objectContaining({ status: 0, stdout: expect.stringContaining('Head: ') }),
    expect.anything(),
  ]);
}
