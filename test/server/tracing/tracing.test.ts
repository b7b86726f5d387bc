import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../../support/child.js';
import { freshMongoUri, OPERATOR_KEY } from '../../support/service.js';
import { until } from '../../support/until.js';
import { startCollector, type Collector, type Span } from './collector.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

let dir: string;
let collector: Collector;
const children: Child[] = [];

async function setUp(): Promise<void> {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-tracing-'));
  collector = await startCollector();
}
async function tearDown(): Promise<void> {
  for (const child of children.splice(0)) child.process.kill('SIGKILL');
  await collector.close();
  rmSync(dir, { recursive: true, force: true });
}

function run(env: Record<string, string>, more: readonly string[] = []): Child {
  const uri = freshMongoUri();
  const child = runFile(
    MAIN,
    // The connections of fetch stay open, and would delay each stop.
    {
      ...{ PORT: '0', DATA_DIR: dir, BCRYPT_COST: '4', SHUTDOWN_DELAY: '0' },
      ...(uri !== undefined && { MONGODB_URI: uri }),
      ...env,
    },
    more,
  );
  children.push(child);
  return child;
}

interface Started {
  readonly child: Child;
  readonly origin: string;
  readonly token: string;
}

async function start(env: Record<string, string> = {}): Promise<Started> {
  return ready({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...env });
}

async function ready(env: Record<string, string>, more: readonly string[] = []): Promise<Started> {
  const child = run(env, more);
  const [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
  const token = env.ADMIN_API_KEY ?? (await child.waitFor(/Admin key: (\S+)/))[1] ?? '';
  return { child, origin, token };
}

/** Options of Node that count the files of OpenTelemetry that the process has loaded when it ends. */
const COUNTING = ['--import', new URL('./loaded.mjs', import.meta.url).href];
const loadedFiles = (): number => Number(readFileSync(join(dir, 'loaded'), 'utf8'));

const post = (origin: string, token: string | null, query: string, headers: Record<string, string> = {}) =>
  fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== null && { 'x-api-key': token }), ...headers },
    body: JSON.stringify({ query }),
  });

/** A span begins at a whole millisecond, rounded down, and ends a measured duration later. In nanoseconds. */
const CLOCK_RESOLUTION = 1_000_000n;

/** The span of a request, with its children by name. */
function familyOf(root: Span | undefined): Record<string, Span> {
  if (root === undefined) throw new Error('There is no such span.');
  const children = collector.spans().filter(({ parentSpanId }) => parentSpanId === root.spanId);
  for (const child of children) {
    expect(child.traceId).toBe(root.traceId);
    expect(child.kind).toBe(1);
    expect(child.start >= root.start && child.end <= root.end + CLOCK_RESOLUTION).toBe(true);
  }
  return Object.fromEntries(children.map((child) => [child.name, child]));
}

describe('the spans of one process', () => {
  let origin: string;
  /** The number of spans of requests that tests have seen. */
  let seen = 0;
  beforeAll(async () => {
    await setUp();
    const config = join(dir, 'latchkey.yaml');
    // In a minute, because a second may pass between two requests.
    writeFileSync(config, 'tiers: { FREE_TRIAL: { per_minute: 2 } }');
    // Sends spans soon, and not only when the process ends.
    const soon = { OTEL_BSP_SCHEDULE_DELAY: '20' };
    ({ origin } = await start({ ADMIN_API_KEY: OPERATOR_KEY, LATCHKEY_CONFIG: config, ...soon }));
  });
  afterAll(tearDown);

  /** Returns the spans of the next requests, which have no others before them. */
  async function received(count: number): Promise<Span[]> {
    const roots = await until(() => {
      const all = collector.spans().filter(({ kind }) => kind === 2);
      return all.length >= seen + count && all.slice(seen);
    });
    seen += roots.length;
    expect(roots).toHaveLength(count);
    return roots;
  }

  /** Creates a workspace, and returns the token of its first key. */
  async function tokenOf(tier: string): Promise<string> {
    const create = `mutation secretOperation { createWorkspace(input: { name: "secret-name", tier: ${tier} }) { token } }`;
    const made = (await (await post(origin, OPERATOR_KEY, create)).json()) as {
      data: { createWorkspace: { token: string } };
    };
    await received(1);
    return made.data.createWorkspace.token;
  }

  test('refused requests and invalid headers: spans contain the outcome, and start new traces', async () => {
    const token = await tokenOf('FREE_TRIAL');
    await post(origin, null, '{ viewer { scopes } }', { traceparent: `00-${TRACE}-${CALLER}-01-x` });
    await post(origin, 'wrong', '{ viewer { scopes } }');
    for (let i = 0; i < 3; i++) await post(origin, token, '{ viewer { scopes } }');
    // Not traced.
    await fetch(`${origin}/healthz`);
    await fetch(`${origin}/nothing/${token}?${token}`);

    const roots = await received(6);
    expect(
      roots.map(({ name, attributes }) => [
        name,
        attributes['http.response.status_code'],
        attributes['latchkey.outcome'],
      ]),
    ).toEqual([
      ['POST /graphql', 401, 'UNAUTHENTICATED'],
      ['POST /graphql', 401, 'UNAUTHENTICATED'],
      ['POST /graphql', 200, 'ok'],
      ['POST /graphql', 200, 'ok'],
      ['POST /graphql', 429, 'RATE_LIMITED'],
      ['GET none', 404, 'NOT_FOUND'],
    ]);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(6);
    for (const { traceId, parentSpanId, status } of roots) {
      expect(traceId).not.toBe(TRACE);
      expect(parentSpanId ?? '').toBe('');
      // A refusal is a response, not an error of the server.
      expect(status).toBe(0);
    }
    // A request without a key is counted by its network.
    expect(Object.keys(familyOf(roots[0])).sort()).toEqual(['admit', 'verify']);
    expect(familyOf(roots[1])).toMatchObject({ verify: { attributes: { 'error.type': 'UNAUTHENTICATED' } } });
    // A key that has used up its limits is refused before its document is parsed.
    expect(Object.keys(familyOf(roots[4]))).toEqual(['verify']);
  });

  test('no span contains a key, an operation or a header', async () => {
    const token = await tokenOf('GROWTH');
    await post(origin, token, `query ${token} { viewer { scopes } }`, {
      'user-agent': token,
      tracestate: `k=${token}`,
    });
    await post(origin, token, `{ ${token} }`, { cookie: token, traceparent: token });
    await fetch(`${origin}/${token}?key=${token}`, { headers: { authorization: `Bearer ${token}` } });
    await fetch(`${origin}/graphql?query={${token}}`, { headers: { 'x-api-key': token } });
    await received(4);
    expect(collector.spans().length).toBeGreaterThanOrEqual(10);
    const sent = collector.bodies.join('') + JSON.stringify(collector.headers);
    expect(sent).not.toContain(OPERATOR_KEY);
    expect(sent).not.toContain(token.slice(-38, -6));
    expect(sent).not.toMatch(/secret-?name|viewer/i);
  });

  test('limits graphql.operation.name, omits it if it looks like a key, and sends no document', async () => {
    const long = `Long_${'a_'.repeat(200)}`;
    for (const name of [long, `lks_live_${'a1'.repeat(10)}`, `k${'0a'.repeat(20)}`]) {
      expect((await post(origin, OPERATOR_KEY, `query ${name} { assets(first: 7) { name } }`)).status).toBe(200);
    }
    await post(origin, OPERATOR_KEY, '{ assets(first: 7) { name } }');
    await post(
      origin,
      OPERATOR_KEY,
      'mutation Register { registerAsset(input: { name: "literal-in-a-document" }) { name } }',
    );
    const roots = await received(5);
    expect(roots.map(({ attributes }) => attributes['graphql.operation.name'])).toEqual([
      long.slice(0, 100),
      undefined,
      undefined,
      undefined,
      'Register',
    ]);
    expect(roots.map(({ attributes }) => attributes['graphql.operation.type'])).toEqual([
      'query',
      'query',
      'query',
      'query',
      'mutation',
    ]);
    expect(collector.bodies.join('')).not.toMatch(/literal-in-a-document|graphql\.document|lks_live_/);
  });

  test('by default the caller decides whether a request is sampled', async () => {
    await post(origin, OPERATOR_KEY, 'query No { viewer { scopes } }', { traceparent: `00-${TRACE}-${CALLER}-00` });
    await post(origin, OPERATOR_KEY, 'query Yes { viewer { scopes } }', { traceparent: `00-${TRACE}-${CALLER}-01` });
    const [root] = await received(1);
    expect(root?.attributes['graphql.operation.name']).toBe('Yes');
  });
});

describe('processes with their own settings', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  test('a request is a span in the caller’s trace with child spans, sent at the latest when the process ends, of the service latchkey by default', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, LOADED_FILE: join(dir, 'loaded') };
    const { child, origin, token } = await ready(env, COUNTING);
    const answer = await post(origin, token, 'query Mine { viewer { credential { id } } }', {
      traceparent: `00-${TRACE}-${CALLER}-01`,
      tracestate: 'vendor=mine',
    });
    const { data } = (await answer.json()) as { data: { viewer: { credential: { id: string } } } };
    expect(await child.stop('SIGTERM')).toBe(0);

    const [root, ...others] = collector.spans().filter(({ kind }) => kind === 2);
    expect(others).toEqual([]);
    expect(root).toMatchObject({ name: 'POST /graphql', traceId: TRACE, parentSpanId: CALLER, status: 0 });
    expect(root?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'url.scheme': 'http',
      'http.response.status_code': 200,
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'Mine',
      'latchkey.key.id': data.viewer.credential.id,
      'latchkey.tier': 'GROWTH',
      'latchkey.outcome': 'ok',
    });
    const { verify, admit, execute, ...rest } = familyOf(root);
    expect(rest).toEqual({});
    // Only whole milliseconds are known for some spans.
    const order = [verify?.start, verify?.end, admit?.start, admit?.end, execute?.start].map(
      (time) => time !== undefined && time / 1_000_000n,
    );
    expect(order).toEqual([...order].sort());
    expect(order).not.toContain(false);
    expect(collector.paths[0]).toBe('/v1/traces');
    expect(collector.resource()['service.name']).toBe('latchkey');
    expect(loadedFiles()).toBeGreaterThan(50);
    expect(collector.bodies.join('')).not.toMatch(/vendor=mine|credential|graphql\.document/);
  });

  describe('OpenTelemetry’s own variables', () => {
    it('name the service, its attributes, header fields for the collector, and its address', async () => {
      const { child, origin, token } = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/elsewhere`,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
        OTEL_SERVICE_NAME: 'keys-of-acme',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=not-this',
      });
      await post(origin, token, '{ viewer { scopes } }');
      expect(await child.stop('SIGTERM')).toBe(0);
      expect(collector.paths[0]).toBe('/elsewhere');
      expect(collector.headers[0]).toMatchObject({ 'x-tenant': 'acme', 'content-type': 'application/json' });
      expect(collector.resource()).toMatchObject({
        'service.name': 'keys-of-acme',
        'deployment.environment.name': 'test',
      });
    });

    it('set the sampler: with always_off nothing is sampled', async () => {
      const { child, origin } = await start({ OTEL_TRACES_SAMPLER: 'always_off', ADMIN_API_KEY: OPERATOR_KEY });
      await post(origin, OPERATOR_KEY, '{ viewer { scopes } }', { traceparent: `00-${TRACE}-${CALLER}-01` });
      expect(await child.stop('SIGTERM')).toBe(0);
      expect(collector.bodies).toEqual([]);
    });
  });

  test('a collector that never responds delays neither requests nor the stop', async () => {
    const silent = await startCollector({ silent: true });
    try {
      const { child, origin, token } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: silent.endpoint });
      expect((await post(origin, token, '{ viewer { scopes } }')).status).toBe(200);
      expect(await child.stop('SIGTERM')).toBe(0);
      expect(silent.bodies).toHaveLength(1);
    } finally {
      await silent.close();
    }
  });

  describe('OpenTelemetry is not loaded', () => {
    it.each<[string, Record<string, string>]>([
      ['without its variables', {}],
      ['where it is disabled', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }],
    ])('%s', async (_, env) => {
      const { child, origin, token } = await ready({ ...env, LOADED_FILE: join(dir, 'loaded') }, COUNTING);
      expect((await post(origin, token, '{ viewer { scopes } }')).status).toBe(200);
      expect(await child.stop('SIGTERM')).toBe(0);
      expect(loadedFiles()).toBe(0);
    });
  });

  test('if its packages are missing, fails to start with one line that names the packages to install', async () => {
    const hidden = ['--import', new URL('./without-opentelemetry.mjs', import.meta.url).href];
    const child = run({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, hidden);
    if (child.process.exitCode === null) await once(child.process, 'exit');
    expect(child.process.exitCode).toBe(1);
    expect(child.output()).toEqual({
      stdout: '',
      stderr:
        'The server did not start. OTEL_EXPORTER_OTLP_ENDPOINT enables tracing, but OpenTelemetry is not installed. Run: npm install @opentelemetry/api @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources @opentelemetry/sdk-trace-base, or unset the variable.\n',
    });
  });
});
