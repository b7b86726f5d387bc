import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, assertAnswers } from '../lib/ask.js';
import { atEnd } from '../lib/atEnd.js';
import { Child } from '../lib/child.js';
import { closedLoop } from '../lib/closedLoop.js';
import { freePort } from '../lib/freePort.js';
import { OPERATOR, Program } from '../lib/program.js';
import { alternate, each } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { percentile } from '../lib/stats.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Gateway in front of another server';

export const about = `The upstream is the server "same server, no guard" of the first row, in its own process. All run on the same machine, and so does the
load: 40 connections, each with one request at a time. **fast upstream** responds at once. **10 ms upstream** first waits 10 ms, like an API that asks a
database.

- **Gateway** is \`latchkey gateway\` in front of it: keys, guard and limits, and a signed Latchkey-Principal. **2 workers** is the same with
  \`--workers 2\`.
- **nginx** is Debian's nginx with one worker process, which forwards every request to the same upstream over kept connections and checks nothing.
- **plain Node proxy** is the shortest one that Node allows: node:http and undici, in one process, without checks.
- **direct** asks the upstream itself.`;

export const packages = ['undici', 'autocannon'];

/** The number of requests, one after another, for a median. */
const SEQUENCE = 1_500;

/** How long the slower upstream waits, in ms. */
const WAIT = 10;

/** @param {import('../run.js').Run} run */
export async function* measure(run) {
  yield* measureWith(run, 'fast upstream', 0);
  yield* measureWith(run, `${WAIT} ms upstream`, WAIT);
}

async function* measureWith({ rounds, seconds, quick }, which, wait) {
  const { targets, stop } = await startAll(wait);
  const { small } = QUERIES;
  for (const [name, target] of Object.entries(targets)) await assertAnswers({ name, guarded: false, ...target }, small);
  const body = JSON.stringify({ query: small.query });
  const load = (target, time) => async () => {
    const before = cpuOf(target.pid);
    const answers = await closedLoop({ ...target, body, seconds: time });
    return { ...answers, processor: ((cpuOf(target.pid) - before) * 1_000) / answers.count };
  };
  for (const target of Object.values(targets)) await load(target, quick ? 2 : 5)();
  const samples = await alternate(
    rounds,
    Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, load(target, seconds)])),
  );
  const forwarders = Object.fromEntries(Object.entries(samples).filter(([name]) => name !== 'direct'));
  yield {
    what: `CPU time per request, ${which}`,
    unit: 'µs',
    ours: 'Gateway',
    samples: each(forwarders, ({ processor }) => processor),
    goals: wait === 0 ? [{ atMost: 150 }] : [],
    note: 'All threads and processes of the subject. Other load on the machine affects this value least.',
  };
  yield {
    what: `Throughput, ${which}`,
    unit: 'responses per second',
    ours: 'Gateway',
    samples: each(samples, ({ rate }) => rate),
    goals: 'nginx' in targets ? [{ against: 'nginx', atLeast: 0.8 }] : [],
  };
  yield {
    what: `Median latency under this load, ${which}`,
    unit: 'ms',
    ours: 'Gateway',
    samples: each(samples, ({ p50 }) => p50),
  };
  const medians = await alternate(
    rounds,
    Object.fromEntries(
      Object.entries(targets).map(([name, target]) => [
        name,
        () => medianOf(target, body, Math.ceil(SEQUENCE / (quick ? 3 : 1) / (1 + wait))),
      ]),
    ),
  );
  yield { what: `Median latency over one connection, ${which}`, unit: 'ms', ours: 'Gateway', samples: medians };
  const added = medians.Gateway.map((median, i) => median - medians.direct[i]);
  yield {
    what: `Median latency added to the upstream, ${which}`,
    unit: 'ms',
    ours: 'Gateway',
    samples: { Gateway: added },
    goals: [{ atMost: 1 }],
  };
  await stop();
}

/** Starts an upstream and all that is in front of it. */
async function startAll(wait) {
  const upstream = await Child.start('stack', { name: 'upstream', kind: 'bare', wait, dataDir: temporaryDirectory() });
  const { url } = upstream.ready;
  const plain = await Child.start('plainProxy', { name: 'plain proxy', upstream: url });
  const gateways = { Gateway: await startGateway(url), '2 workers': await startGateway(url, { WORKERS: '2' }) };
  const nginx = await startNginx(url);
  const behindKey = ({ program, key }) => ({
    url: `${program.origin}/graphql`,
    headers: { authorization: `Bearer ${key}` },
    pid: program.pid,
  });
  return {
    targets: {
      Gateway: behindKey(gateways.Gateway),
      '2 workers': behindKey(gateways['2 workers']),
      ...(nginx !== null && { nginx: { url: nginx.url, headers: {}, pid: nginx.pid } }),
      'plain Node proxy': { url: plain.ready.url, headers: {}, pid: plain.pid },
      direct: { url, headers: {}, pid: upstream.pid },
    },
    async stop() {
      for (const { program } of Object.values(gateways)) await program.stop();
      nginx?.stop();
      await plain.stop();
      await upstream.stop();
    },
  };
}

/** Returns the CPU time of a process and its children so far, in ms. */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return (Number(user) + Number(system)) * 10 + children.reduce((sum, child) => sum + cpuOf(child), 0);
}

/** Starts a gateway whose limits are too high to refuse a request, and creates a key. */
async function startGateway(url, env = {}) {
  const directory = temporaryDirectory();
  const policy = join(directory, 'policy.yaml');
  const file = join(directory, 'latchkey.yaml');
  writeFileSync(policy, 'default: deny\nQuery.*: read:all\nMutation.*: deny\n');
  writeFileSync(file, 'tiers: { GROWTH: { per_minute: 1000000, per_second: 1000000 } }\n');
  const program = await Program.start({ GATEWAY_UPSTREAM: url, GATEWAY_POLICY: policy, LATCHKEY_CONFIG: file, ...env });
  const create =
    'mutation { createApiKey(input: { name: "bench", scopes: ["read:all"], workspaceId: "default" }) { token } }';
  const { createApiKey } = await ask(`${program.origin}/admin/graphql`, create, {
    authorization: `Bearer ${OPERATOR}`,
  });
  return { program, key: createApiKey.token };
}

/** @returns {Promise<{ url: string, pid: number | undefined, stop(): void } | null>} null if nginx is not installed */
async function startNginx(url) {
  const directory = temporaryDirectory();
  const port = await freePort();
  const { host, pathname } = new URL(url);
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(directory, name));
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  upstream api { server ${host}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const child = spawn('nginx', ['-p', directory, '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' });
  let isThere = true;
  child.once('error', () => (isThere = false));
  child.once('exit', () => (isThere = false));
  const stop = () => child.kill();
  atEnd(stop);
  const address = `http://127.0.0.1:${port}${pathname}`;
  for (let tries = 0; tries < 50 && isThere; tries += 1) {
    const found = await fetch(address).catch(() => null);
    if (found !== null) return { url: address, pid: child.pid, stop };
    await pause(100);
  }
  return null;
}

/** @returns {Promise<number>} the median of requests one after another over one connection, in ms */
async function medianOf({ url, headers }, body, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let i = 0; i < count; i += 1) {
    const begun = performance.now();
    await send(url, { 'content-type': 'application/json', ...headers }, body, agent);
    times.push(performance.now() - begun);
  }
  agent.destroy();
  return percentile(times, 0.5);
}

function send(url, headers, body, agent) {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: 'POST', headers: { ...headers, 'content-length': body.length }, agent },
      (response) => {
        response.resume().once('end', resolve).once('error', reject);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}
