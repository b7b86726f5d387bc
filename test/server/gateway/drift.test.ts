import { buildSchema, graphql, type GraphQLSchema } from 'graphql';
import { serveUpstream, startGateway, type TestGateway, type TestUpstream } from '../../support/gateway.js';

const BEFORE = 'type Query { health: String! old: String }';
let schema: GraphQLSchema = buildSchema(BEFORE);
let upstream: TestUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await serveUpstream((request, raw) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { query: source, variables: variableValues } = JSON.parse(body);
      const rootValue = { health: 'ok', old: 'old', backdoor: 'open' };
      void graphql({ schema, source, variableValues, rootValue }).then((result) => {
        raw.setHeader('content-type', 'application/json');
        raw.end(JSON.stringify(result));
      });
    });
  });
  gateway = await startGateway(upstream.url, {
    policy: 'Query.*: public\n',
    env: { GATEWAY_CHECK_INTERVAL: '3600' },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ready = async () => (await fetch(`${gateway.origin}/readyz`)).json();
const compare = () => gateway.service.gateway?.drift.compare();

test('a field that the upstream gains stays closed, even if a pattern of the policy would open it', async () => {
  await compare();
  expect(await ready()).toEqual({ status: 'ready' });
  schema = buildSchema('type Query { health: String backdoor: New } type New { id: ID }');
  await compare();
  const answer = await gateway.query('{ backdoor { id } }');
  expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
  expect(await ready()).toEqual({
    status: 'ready',
    schema: 'The schema of the upstream differs: 3 added, 1 removed, 1 changed.',
  });
  const metrics = await gateway.service.metrics.text();
  expect(metrics).toContain('latchkey_upstream_schema_differences{kind="removed"} 1');
  expect(metrics).toContain('latchkey_upstream_responses_total{outcome="answered"}');
  const [line] = gateway.logs.filter((text) => text.includes('The schema of the upstream differs'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 40, removed: ['Query.old'], changed: ['Query.health'] });
});

test('reports each change once, and that the difference is gone', async () => {
  await compare();
  await compare();
  expect(gateway.logs.filter((text) => text.includes('The schema of the upstream differs'))).toHaveLength(1);
  schema = buildSchema(BEFORE);
  await compare();
  expect(await ready()).toEqual({ status: 'ready' });
  expect(gateway.logs.join()).toContain('matches the schema of the gateway again');
});

test('an upstream that is gone is reported once, and the gateway keeps running', async () => {
  await upstream.close();
  await compare();
  await compare();
  expect(gateway.logs.filter((text) => text.includes('could not be compared'))).toHaveLength(1);
  expect(await ready()).toEqual({ status: 'ready' });
  expect((await gateway.query('{ health }')).status).toBe(502);
});
