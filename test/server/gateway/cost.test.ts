import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { TierTable } from '../../../src/core/limits/tiers.js';
import type { Quota } from '../../../src/core/quotas/quota.js';
import {
  ask,
  serveUpstream,
  startGateway,
  UNLIMITED,
  type TestGateway,
  type TestUpstream,
} from '../../support/gateway.js';
import { hear, socketClient, socketUpstream, type SocketUpstream } from '../../support/socketUpstream.js';
import { until } from '../../support/until.js';

const ANNOTATED = /* GraphQL */ `
  type Query {
    orders(first: Int): [Order!]! @listSize(slicingArguments: ["first"]) @auth(scope: "read:orders")
    health: String! @public
  }
  type Order {
    id: ID!
    total: Float! @cost(weight: "2")
    margin: Float @auth(scope: "read:margins")
  }
`;

const LEFT = 1_000_000;
const cost = { max: 50, rate: LEFT, burst: LEFT };
const quotas: readonly Quota[] = [{ window: 'month', unit: 'cost', subject: 'key', limit: 1_000 }];
const tiers: TierTable = { ...UNLIMITED, GROWTH: { ...UNLIMITED.GROWTH, keys: null, cost, quotas } };

/** Its estimate is 50: the query, the call, and three for each of 16 orders. */
const ORDERS = '{ orders(first: 16) { id total } }';
const three = [1, 2, 3].map((id) => ({ id: String(id), total: id }));
/** The cost of three orders. */
const ACTUAL = 11;

let respond: RequestListener;
let upstream: TestUpstream;
let gateway: TestGateway;
let verifier: string;
beforeAll(async () => {
  upstream = await serveUpstream((request, response) => respond(request, response));
  const env = { GATEWAY_ON_DENIED: 'filter' };
  gateway = await startGateway(upstream.url, { policy: null, sdl: ANNOTATED, tiers, env });
  verifier = await gateway.key('verify:keys');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  upstream.received.splice(0);
  answers({ data: { orders: three } });
});

/** Lets the upstream answer with a body. */
function answers(body: unknown, headers: Record<string, string> = {}, status = 200): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  respond = (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(headers['content-encoding'] === 'gzip' ? gzipSync(text) : text);
  };
}

const sent = (query: string, token: string, headers: Record<string, string> = {}) =>
  ask(gateway.url, { query }, { authorization: `Bearer ${token}`, ...headers });

/** The units that were taken from the windows and from the quota of a key. */
async function taken(token: string, by = gateway, as = verifier): Promise<readonly [windows: number, quota: number]> {
  const { body } = await ask(`${by.origin}/v1/verify`, { token }, { authorization: `Bearer ${as}` });
  return [LEFT - body.limits.cost.rate.remaining, body.limits.quotas[0].used];
}

test('refuses an operation above the maximum, and forwards nothing', async () => {
  const token = await gateway.key('read:orders');
  const refused = await sent('{ orders(first: 17) { id total } }', token);
  expect(refused.status).toBe(400);
  expect(refused.body.errors[0].extensions).toEqual({ code: 'COST_EXCEEDED', cost: 53, limit: 50 });
  expect(upstream.received).toEqual([]);
  expect(await taken(token)).toEqual([0, 0]);
});

describe('the difference to the estimate', () => {
  test('is given back to windows and quotas, by the lists of the response', async () => {
    const token = await gateway.key('read:orders');
    for (let i = 1; i <= 3; i += 1) {
      expect((await sent(ORDERS, token)).body).toEqual({ data: { orders: three } });
      expect(await taken(token)).toEqual([i * ACTUAL, i * ACTUAL]);
    }
  });

  test('is given back for a compressed response', async () => {
    answers({ data: { orders: three } }, { 'content-encoding': 'gzip' });
    const token = await gateway.key('read:orders');
    expect((await sent(ORDERS, token)).body.data.orders).toEqual(three);
    await until(async () => (await taken(token))[0] === ACTUAL);
  });

  test('is never negative', async () => {
    answers({ data: { orders: Array.from({ length: 40 }, () => three[0]) } });
    const token = await gateway.key('read:orders');
    await sent(ORDERS, token);
    expect(await taken(token)).toEqual([50, 50]);
  });

  test('includes only the forwarded fields, if other fields were denied', async () => {
    const token = await gateway.key('read:orders');
    const { body } = await sent('{ orders(first: 16) { id total margin } }', token);
    expect(body.data.orders[0]).toEqual({ ...three[0], margin: null });
    expect(await taken(token)).toEqual([ACTUAL, ACTUAL]);
  });

  const whole = { data: { orders: three } };
  const next = `event: next\ndata: ${JSON.stringify(whole)}\n\nevent: complete\ndata:\n\n`;
  test.each([
    ['has errors', () => answers({ ...whole, errors: [{ message: 'one failed' }] })],
    ['has no data', () => answers({ errors: [{ message: 'failed' }] }, {}, 500)],
    ['is a part of an incremental one', () => answers({ ...whole, hasNext: true })],
    ['is not JSON', () => answers('<html>', { 'content-type': 'text/html' })],
    ['is not valid JSON', () => answers('{"data":')],
    ['is not what its encoding says', () => answers(whole, { 'content-encoding': 'br' })],
    ['is larger than 2 MiB', () => answers({ ...whole, extensions: { more: 'x'.repeat(2 ** 21) } })],
    ['is an event stream', () => answers(next, { 'content-type': 'text/event-stream' })],
  ])('is not known if the response %s, so the estimate counts', async (_, prepare) => {
    prepare();
    const token = await gateway.key('read:orders');
    await sent(ORDERS, token, { accept: 'application/json, text/event-stream' }).catch(() => undefined);
    await until(async () => (await taken(token))[0] === 50);
    expect(await taken(token)).toEqual([50, 50]);
  });

  test('is not known if the upstream does not answer, so the estimate counts', async () => {
    respond = (request) => void request.socket.destroy();
    const token = await gateway.key('read:orders');
    expect((await sent(ORDERS, token)).status).toBe(502);
    expect(await taken(token)).toEqual([50, 50]);
  });
});

describe('Latchkey-Cost: report', () => {
  const REPORT = { 'latchkey-cost': 'report' };

  test('adds the cost to the extensions of the upstream, and leaves its numbers as they are', async () => {
    answers('{"data":{"orders":[{"id":"1","total":12345678901234567890.10}]},"extensions":{"trace":1.0}}');
    const token = await gateway.key('read:orders');
    const { status, text } = await sent(ORDERS, token, REPORT);
    expect(status).toBe(200);
    expect(text).toContain('12345678901234567890.10');
    expect(JSON.parse(text).extensions).toEqual({ trace: 1, cost: { estimate: 50, actual: 5 } });
    expect(await taken(token)).toEqual([5, 5]);
    // Without the field, the response is passed on byte by byte.
    expect((await sent(ORDERS, token)).text).not.toContain('cost');
  });

  test('has no actual cost for a response with errors, and changes nothing that is not a result', async () => {
    answers({ data: null, errors: [{ message: 'failed' }] });
    const token = await gateway.key('read:orders');
    expect((await sent(ORDERS, token, REPORT)).body.extensions).toEqual({ cost: { estimate: 50, actual: null } });
    answers('[1]', {}, 418);
    const other = await sent('{ health }', token, REPORT);
    expect([other.status, other.text]).toEqual([418, '[1]']);
  });

  test('is ignored by a caller who reads a stream', async () => {
    const token = await gateway.key('read:orders');
    const { body } = await sent(ORDERS, token, { ...REPORT, accept: 'application/json, multipart/mixed' });
    expect(body).toEqual({ data: { orders: three } });
  });
});

describe('over WebSockets', () => {
  let sockets: SocketUpstream;
  let other: TestGateway;
  beforeAll(async () => {
    sockets = await socketUpstream();
    other = await startGateway(sockets.url, { policy: null, sdl: ANNOTATED, tiers });
  });
  afterAll(async () => {
    await other.close();
    await sockets.close();
  });

  test('the difference to the estimate is given back', async () => {
    const token = await other.key('read:orders');
    const client = socketClient(other.url, token);
    const heard = hear(client, ORDERS);
    await until(() => heard.isOver);
    expect(heard.results).toMatchObject([{ data: { orders: [{}, {}, {}] } }]);
    await client.dispose();
    const as = await other.key('verify:keys');
    await until(async () => (await taken(token, other, as))[0] === ACTUAL);
    expect(await taken(token, other, as)).toEqual([ACTUAL, ACTUAL]);
  });
});
