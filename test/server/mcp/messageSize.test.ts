import { jest } from '@jest/globals';
import { operationInput } from '../../../src/server/mcp/tool.js';
import { isTooLarge, MAX_MESSAGE_VALUES } from '../../../src/server/mcp/messageSize.js';
import { createKey, startService, type TestService } from '../../support/service.js';

/** The SDK checks every value of a message against a schema, so their number must be limited. */

let service: TestService;
let token: string;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  token = (await createKey(service)).token;
});
afterAll(() => service.close());

async function post(method: string, params: object): Promise<{ status: number; text: string }> {
  const response = await fetch(`${service.origin}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'seven', method, params }),
  });
  return { status: response.status, text: await response.text() };
}

const many = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, {}]));
const initialize = (capabilities: object, icons: readonly object[] = []): [string, object] => [
  'initialize',
  { protocolVersion: '2025-06-18', capabilities, clientInfo: { name: 'a', version: '1', icons } },
];
const MESSAGES: readonly (readonly [string, (count: number) => [string, object]])[] = [
  ['capabilities', (count) => initialize({ experimental: many(count) })],
  [
    'icons',
    (count) =>
      initialize(
        {},
        Array.from({ length: count / 2 }, () => ({ src: 'https://a.example' })),
      ),
  ],
  ['_meta', (count) => ['tools/list', { _meta: many(count) }]],
  ['_meta of a call', (count) => ['tools/call', { name: 'whoami', arguments: {}, _meta: many(count) }]],
  ['unknown fields', (count) => ['tools/list', many(count)]],
];

test.each(MESSAGES)('R1: /mcp limits the number of values of a message: %s', async (_, message) => {
  expect((await post(...message(900))).status).toBe(200);
  const { status, text } = await post(...message(9_000));
  expect(status).toBe(413);
  expect(JSON.parse(text)).toMatchObject({
    id: 'seven',
    error: {
      message: 'The message has more than 1000 values in addition to the arguments of a tool. Send fewer.',
      data: { code: 'BAD_REQUEST' },
    },
  });
});

test('R1: the arguments of a tool are not counted', async () => {
  const variables = { list: Array.from({ length: 5_000 }, (_, i) => i) };
  const call = { name: 'run_query', arguments: { document: '{ viewer { scopes } }', variables } };
  expect(await post('tools/call', call)).toMatchObject({ status: 200, text: expect.stringContaining('read:assets') });
});

test('R1: counts the values of any message without recursion', () => {
  const deep = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(isTooLarge(deep(MAX_MESSAGE_VALUES))).toBe(false);
  expect(isTooLarge(deep(100_000))).toBe(true);
  for (const value of [null, 1, 'text', true, {}, { method: 'tools/call', params: null }])
    expect(isTooLarge(value)).toBe(false);
});

test('R4: an argument that a tool does not have is refused before any argument is checked', async () => {
  const check = jest.spyOn(operationInput, 'safeParse');
  try {
    const ask = async (given: object) => (await post('tools/call', { name: 'run_query', arguments: given })).text;
    expect(await ask(many(20_000))).toContain(
      'there is no argument \\"a0\\". Arguments: document, operationName, variables.',
    );
    expect(await ask({ document: '{ viewer { scopes } }', toString: 1 })).toContain(
      'there is no argument \\"toString\\"',
    );
    expect(check).not.toHaveBeenCalled();
    expect(await ask({ document: '{ viewer { scopes } }' })).toContain('read:assets');
    expect(check).toHaveBeenCalledTimes(1);
  } finally {
    check.mockRestore();
  }
});
