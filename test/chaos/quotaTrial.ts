import { setTimeout as delay } from 'node:timers/promises';
import { leastAdmitted } from '../core/quotas/meters.js';
import { until } from '../support/until.js';
import { Fleet, type FleetOptions } from './fleet.js';

/** The number of kills. */
const KILLS = Number(process.env.LATCHKEY_TEST_TIMES ?? 6);
const LIMIT = 6_000;
const PROCESSES = 2;
/** The requests that run at the same time in each process. */
const AT_ONCE = 8;

const WHO = '{ viewer { scopes } }';
const limitsIn = (workspaceId: string): string =>
  `{ apiKeys(workspaceId: "${workspaceId}", first: 1) { nodes { limits { quotas { used } credits { balance } } } } }`;

const TIERS = `
  PROFESSIONAL:
    keys: unlimited
    per_minute: 1000000
    per_second: 100000
    quotas: [{ window: month, limit: ${LIMIT}, subject: workspace }]
  FREE_TRIAL:
    keys: unlimited
    per_minute: 1000000
    per_second: 100000
    credits: { subject: workspace }
`;

/** The load until nothing is admitted any more. */
interface Observed {
  readonly admitted: number;
  /** The lowest balance, or rest of the quota, that the operator saw. */
  readonly lowest: number;
}

/**
 * Starts two processes that are killed (SIGKILL) and replaced one after another under load, and expects that they never admit more than a
 * quota or a balance.
 */
export function testKills(options: () => FleetOptions): void {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ ...options(), size: PROCESSES, tiers: TIERS });
  });
  afterAll(() => fleet.close());

  test.each([
    ['a quota', 'PROFESSIONAL'],
    ['credits', 'FREE_TRIAL'],
  ] as const)('X11: processes that are killed under load never admit more than %s', async (_, tier) => {
    const { admitted, lowest } = await goThroughKills(fleet, await tenantOf(fleet, tier));
    process.stdout.write(
      `${expect.getState().currentTestName}: ${admitted} of ${LIMIT} admitted with ${KILLS} kills, the lowest rest ${lowest}\n`,
    );
    expect(admitted).toBeLessThanOrEqual(LIMIT);
    expect(admitted).toBeGreaterThanOrEqual(leastAdmitted(LIMIT, KILLS, AT_ONCE));
    expect(lowest).toBeGreaterThanOrEqual(0);
    // Units that a process keeps in memory don't count as used by it, and each of the two has at most one block.
    expect(lowest).toBeLessThanOrEqual(LIMIT / 50);
  });
}

interface Tenant {
  readonly id: string;
  /** The token of its admin key. */
  readonly token: string;
}

/** Creates a workspace. With credits, it gets as many as the quota of the other tier has. */
async function tenantOf(fleet: Fleet, tier: string): Promise<Tenant> {
  const { body } = await fleet
    .member(0)
    .ask(`mutation { createWorkspace(input: { name: "${tier}", tier: ${tier} }) { token workspace { id } } }`);
  const { token, workspace } = body.data.createWorkspace;
  const tenant = { id: workspace.id, token };
  if (tier !== 'FREE_TRIAL') return tenant;
  const input = `{ subject: WORKSPACE, id: "${workspace.id}", amount: ${LIMIT}, idempotencyKey: "chaos" }`;
  const { body: added } = await fleet.member(0).ask(`mutation { addCredits(input: ${input}) { balance } }`);
  expect(added.data.addCredits).toEqual({ balance: LIMIT });
  return tenant;
}

/** Puts load on all processes, and kills one after another while units remain. */
async function goThroughKills(fleet: Fleet, { id, token }: Tenant): Promise<Observed> {
  let admitted = 0;
  let refused = 0;
  let lowest = Infinity;
  let isOver = false;
  const lanes = Array.from({ length: PROCESSES * AT_ONCE }, async (_, lane) => {
    while (!isOver) {
      const { status } = await fleet.member(lane).ask(WHO, token);
      if (status === 200) admitted += 1;
      // With credits that are never refilled, the status is 402.
      else if (status === 429 || status === 402) refused += 1;
      // The process was killed, and the next one has not started.
      else if (status === 0) await delay(20);
      else expect([200, 429, 402, 0, 503]).toContain(status);
    }
  });
  const look = async (): Promise<void> => {
    const { status, body } = await fleet.member(0).ask(limitsIn(id));
    if (status !== 200) return;
    const { quotas, credits } = body.data.apiKeys.nodes[0].limits;
    const [quota] = quotas as { readonly used: number }[];
    lowest = Math.min(lowest, credits?.balance ?? LIMIT - (quota?.used ?? 0));
  };
  const watch = (async () => {
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- It is set below.
    while (!isOver) {
      await look();
      await delay(50);
    }
  })();
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await until(() => admitted >= (LIMIT * kill) / (KILLS + 2));
    await fleet.replace(kill);
  }
  // Until both processes have used up their units. A process that returned units may admit a few more requests.
  let before = -1;
  while (before !== admitted) {
    before = admitted;
    const from = refused;
    await until(() => refused > from + 50);
    await delay(2_500);
  }
  isOver = true;
  await Promise.all([...lanes, watch]);
  await look();
  return { admitted, lowest };
}
