import { jest } from '@jest/globals';
import { createClient } from '../../src/client/index.js';
import { createKey, startService, type TestService } from '../support/service.js';

// The published limits are per minute: 1,000 requests take one and a third, mostly waiting.
jest.setTimeout(300_000);

let latchkey: TestService;
beforeAll(async () => void (latchkey = await startService({ env: { DEFAULT_TIER: 'GROWTH' } })));
afterAll(() => latchkey.close());

const statuses = (): number[] =>
  latchkey.logs.filter((line) => line.includes('"path":"/graphql"')).map((line) => JSON.parse(line).status);

const READ = 'query ($name: String!) { asset(name: $name) { name } }';

it('1,000 calls on GROWTH, sequential and parallel, get no 429', async () => {
  const keys = await Promise.all(['loop', 'at once'].map((name) => createKey(latchkey, { name })));
  const [loop, atOnce] = keys.map(({ token }) => createClient({ url: latchkey.url, apiKey: token }));
  const before = statuses().length;
  let answered = 0;
  const oneByOne = async (): Promise<void> => {
    for (let i = 0; i < 1_000; i += 1) {
      await loop?.request(READ, { name: `n${i}` });
      answered += 1;
    }
  };
  const names = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
  await Promise.all([oneByOne(), ...names.map((name) => atOnce?.request(READ, { name }))]);
  expect(answered).toBe(1_000);
  expect(statuses().slice(before)).toEqual(Array.from({ length: 2_000 }, () => 200));
});
