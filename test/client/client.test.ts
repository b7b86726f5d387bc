import { createClient, Unauthenticated, type Client } from '../../src/client/index.js';
import { startService, type TestService } from '../support/service.js';

let latchkey: TestService;
beforeAll(
  async () => void (latchkey = await startService({ storeThreads: true, env: { DEFAULT_TIER: 'ENTERPRISE' } })),
);
afterAll(() => latchkey.close());

const clientFor = (apiKey: string | null = latchkey.adminToken): Client => createClient({ url: latchkey.url, apiKey });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('request', () => {
  it('returns the data', async () => {
    const data = await clientFor().request('query ($project: ID) { assets(project: $project) { name } }', {});
    expect(data).toEqual({ assets: [] });
  });

  it('rejects an unknown key with the reason', async () => {
    const error = await failure(clientFor('ak_nothing').request('{ viewer { scopes } }'));
    expect(error).toBeInstanceOf(Unauthenticated);
    expect(error).toMatchObject({ name: 'Unauthenticated', code: 'UNAUTHENTICATED', status: 401, reason: 'malformed' });
  });
});
