import { startService, type TestService } from '../../support/service.js';

let latchkey: TestService;
beforeAll(async () => {
  latchkey = await startService({ storeThreads: true });
});
afterAll(() => latchkey.close());

test('/healthz responds while the process runs', async () => {
  const answer = await fetch(`${latchkey.origin}/healthz`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: 'ok' });
});

test('/readyz returns 200 while the store responds', async () => {
  expect((await fetch(`${latchkey.origin}/readyz`)).status).toBe(200);
});
