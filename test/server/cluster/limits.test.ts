import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asked } from '../../support/post.js';
import { until } from '../../support/until.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { FROZEN, isAlive, place, removeAll, startCluster, type Cluster } from './installation.js';

const WHO = '{ viewer { scopes } }';
const CREATE = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { token } }';
const CREATE_WORKSPACE = 'mutation { createWorkspace(input: { name: "w", tier: ENTERPRISE }) { token } }';

let cluster: Cluster;
beforeAll(async () => {
  const installed = place();
  // The test's load has no key, and comes from one network.
  const file = join(installed.DATA_DIR ?? '', 'latchkey.yaml');
  writeFileSync(
    file,
    `tiers:
       ANONYMOUS: { per_minute: 1000000, per_second: 1000000 }
       ENTERPRISE: { categories: { write: { per_minute: 7, per_second: 7 } } }
    `,
  );
  const env = { ...installed, DEFAULT_TIER: 'GROWTH', LATCHKEY_CONFIG: file, ADMIN_API_KEY: OPERATOR_KEY };
  cluster = startCluster(['--workers', '2'], env, FROZEN);
  await cluster.url();
});
afterAll(removeAll);

async function newKey(): Promise<string> {
  return String((await cluster.ask(CREATE, OPERATOR_KEY)).body.data.createApiKey.token);
}

test('all workers share one burst: exactly as many of many concurrent requests pass', async () => {
  const key = await newKey();
  // First one at a time: each worker admits some.
  const answers: Asked[] = [];
  for (let i = 0; i < 6; i++) answers.push(await cluster.ask(WHO, key));
  const admittedBy = new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer))));
  expect(admittedBy).toEqual(new Set(await cluster.workers()));
  expect(admittedBy.size).toBe(2);

  answers.push(...(await Promise.all(Array.from({ length: 90 }, () => cluster.ask(WHO, key)))));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array<number>(25).fill(200), ...Array<number>(71).fill(429)]);
  expect(new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer))))).toEqual(admittedBy);
  // Each admission has a different number of remaining requests; the last one shows that the window is used up.
  const told = answers.filter(({ status }) => status === 200).map(({ headers }) => headers.ratelimit);
  const remaining = Array.from({ length: 24 }, (_, i) => `"rate";r=${499 - i};t=60`);
  expect(told.sort()).toEqual([...remaining, '"burst";r=0;t=1'].sort());
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers['retry-after']).toBe('1');
});

test('all workers share one rate: exactly as many requests of a minute pass, second by second', async () => {
  const key = await newKey();
  const passed: number[] = [];
  for (let second = 1; second <= 21; second++) {
    const answers = await Promise.all(Array.from({ length: 30 }, () => cluster.ask(WHO, key)));
    passed.push(answers.filter(({ status }) => status === 200).length);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30 - (passed.at(-1) ?? 0));
    process.kill(cluster.child.process.pid ?? 0, 'SIGUSR2');
    await cluster.child.waitFor(new RegExp(`Seconds: ${second}\\.`));
  }
  expect(passed).toEqual([...Array<number>(20).fill(25), 0]);
  const { status, headers } = await cluster.ask(WHO, key);
  // The first requests expire after a minute, and 21 seconds have passed.
  expect([status, headers['retry-after'], headers.ratelimit]).toEqual([429, '39', '"rate";r=0;t=39']);
});

test('workers share the windows of a category, and a refusal takes at most the parsed documents from the tier', async () => {
  const created = await cluster.ask(CREATE_WORKSPACE, OPERATOR_KEY);
  const admin = String(created.body.data.createWorkspace.token);
  const write = 'mutation { registerAsset(input: { name: "orders" }) { name } }';
  const answers = await Promise.all(Array.from({ length: 20 }, () => cluster.ask(write, admin)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(7);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(13);
  expect(new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer)))).size).toBe(2);
  const { status, headers } = await cluster.ask(WHO, admin);
  expect(status).toBe(200);
  // Each refused request whose document a worker parsed for the first time costs one.
  const left = Number(/^"rate";r=(\d+);/.exec(String(headers.ratelimit))?.[1]);
  expect(left).toBeLessThanOrEqual(4992);
  expect(left).toBeGreaterThanOrEqual(4992 - 13);
});

test('after kill -9 of a worker, the other workers continue, another one replaces it, and no limit is reset', async () => {
  const key = await newKey();
  for (let i = 0; i < 10; i++) expect((await cluster.ask(WHO, key)).status).toBe(200);

  const [victim = 0, ...others] = await cluster.workers();
  const load = { on: true, answered: 0, broken: 0 };
  const loading = Array.from({ length: 4 }, async () => {
    while (load.on) {
      // Only the requests of the killed worker fail.
      await cluster.ask('{ __typename }').then(
        ({ status }) => {
          expect(status).toBe(200);
          load.answered += 1;
        },
        () => (load.broken += 1),
      );
      await delay(20);
    }
  });
  let replacement: number;
  try {
    await until(() => load.answered > 20);
    // Stopped first, so that it dies while it gets a connection, which hides the end of its channel from the primary.
    process.kill(victim, 'SIGSTOP');
    const stopped = load.answered;
    await until(() => load.answered > stopped + 20);
    process.kill(victim, 'SIGKILL');
    await until(() => !isAlive(victim));
    const before = load.answered;
    await until(() => load.answered > before + 20);
    [, , replacement = 0] = await cluster.workers(3);
  } finally {
    load.on = false;
  }
  await Promise.all(loading);
  expect(load.broken).toBeLessThanOrEqual(4);
  expect(others.every(isAlive)).toBe(true);
  expect(cluster.log()).toContainEqual(expect.objectContaining({ worker: victim, how: 'A worker ended by SIGKILL.' }));

  const answers = await Promise.all(Array.from({ length: 45 }, () => cluster.ask(WHO, key)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(15);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  const served = new Set(await Promise.all(answers.map((answer) => cluster.servedBy(answer))));
  expect(served).toEqual(new Set([...others, replacement]));
});

test('workers that end soon after their start are replaced with growing delays', async () => {
  let workers = await cluster.workers();
  const waits = (): number[] =>
    cluster
      .log()
      .filter(({ how }) => how !== undefined)
      .map(({ wait }) => Number(wait));
  const earlier = waits().length;
  for (let i = 0; i < 2; i++) {
    process.kill(workers.at(-1) ?? 0, 'SIGKILL');
    workers = await cluster.workers(workers.length + 1);
  }
  const [first = 0, second = 0] = waits().slice(earlier);
  expect(second).toBe(2 * first);
});
