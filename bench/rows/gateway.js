import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
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

export const about = `The upstream is the server "same server, no guard" of the first row, in its own process. **Gateway** is \`latchkey gateway\` in
front of it: keys, guard and limits, and a signed Latchkey-Principal. **nginx** is Debian's nginx with one worker, which forwards every request to
the same upstream over kept connections and checks nothing. **direct** asks the upstream itself. All run on the same machine, and so does the load.`;

export const packages = ['undici', 'autocannon'];

/** The number of requests, one after another, for a median. */
const SEQUENCE = 1_500;

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, seconds, quick }) {
  const upstream = await Child.start('stack', { name: 'upstream', kind: 'bare', dataDir: temporaryDirectory() });
  const { url } = upstream.ready;
  const gateway = await startGateway(url);
  const nginx = await startNginx(url);
  const targets = {
    direct: { url, headers: {} },
    Gateway: { url: `${gateway.origin}/graphql`, headers: { authorization: `Bearer ${gateway.key}` } },
    ...(nginx !== null && { nginx: { url: nginx.url, headers: {} } }),
  };
  const { small } = QUERIES;
  for (const [name, target] of Object.entries(targets)) await assertAnswers({ name, guarded: false, ...target }, small);
  const body = JSON.stringify({ query: small.query });
  const load = (target, time) => async () => {
    const before = gateway.program.cpu;
    const answers = await closedLoop({ ...target, body, seconds: time });
    return { ...answers, processor: ((gateway.program.cpu - before) * 1_000) / answers.count };
  };
  for (const target of Object.values(targets)) await load(target, quick ? 2 : 3)();
  const samples = await alternate(
    rounds,
    Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, load(target, seconds)])),
  );
  yield {
    what: 'CPU time of the gateway per request, small query',
    unit: 'µs',
    ours: 'Gateway',
    samples: { Gateway: samples.Gateway.map(({ processor }) => processor) },
    goals: [{ atMost: 150 }],
    note: 'All threads of the process.',
  };
  yield {
    what: 'Throughput, small query',
    unit: 'responses per second',
    ours: 'Gateway',
    samples: each(samples, ({ rate }) => rate),
    goals: nginx === null ? [] : [{ against: 'nginx', atLeast: 0.8 }],
  };
  const medians = await alternate(
    rounds,
    Object.fromEntries(
      Object.entries(targets).map(([name, target]) => [
        name,
        () => medianOf(target, body, quick ? SEQUENCE / 3 : SEQUENCE),
      ]),
    ),
  );
  yield { what: 'Median latency over one connection, small query', unit: 'ms', ours: 'Gateway', samples: medians };
  const added = medians.Gateway.map((median, i) => median - medians.direct[i]);
  yield {
    what: 'Median latency added to the upstream, small query',
    unit: 'ms',
    ours: 'Gateway',
    samples: { Gateway: added },
    goals: [{ atMost: 1 }],
  };
  await gateway.program.stop();
  nginx?.stop();
  await upstream.stop();
}

/** Starts a gateway whose limits are too high to refuse a request, and creates a key. */
async function startGateway(url) {
  const directory = temporaryDirectory();
  const policy = join(directory, 'policy.yaml');
  const file = join(directory, 'latchkey.yaml');
  writeFileSync(policy, 'default: deny\nQuery.*: read:all\nMutation.*: deny\n');
  writeFileSync(file, 'tiers: { GROWTH: { per_minute: 1000000, per_second: 1000000 } }\n');
  const program = await Program.start({ GATEWAY_UPSTREAM: url, GATEWAY_POLICY: policy, LATCHKEY_CONFIG: file });
  const create =
    'mutation { createApiKey(input: { name: "bench", scopes: ["read:all"], workspaceId: "default" }) { token } }';
  const { createApiKey } = await ask(`${program.origin}/admin/graphql`, create, {
    authorization: `Bearer ${OPERATOR}`,
  });
  return { program, origin: program.origin, key: createApiKey.token };
}

/** @returns {Promise<{ url: string, stop(): void } | null>} null if nginx is not installed */
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
    if (found !== null) return { url: address, stop };
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
