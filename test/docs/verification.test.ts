import { expectPage } from './page.js';

test('each command of docs/how-to/verify-keys-from-any-service.md runs as written', async () => {
  await expectPage('docs/how-to/verify-keys-from-any-service.md');
});
