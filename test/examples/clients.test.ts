import { runExample, type Ran } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { documentOf } from '../support/session.js';

const CLIENTS = ['client-plain', 'client-apollo', 'client-urql', 'client-graphql-request'];

let latchkey: TestService;
beforeAll(async () => void (latchkey = await startService({ env: { DEFAULT_TIER: 'GROWTH' } })));
afterAll(() => latchkey.close());

const runIt = (example: string, token: string): Promise<Ran> =>
  runExample(`${example}/index.js`, [], { LATCHKEY_URL: latchkey.url, LATCHKEY_API_KEY: token });

const limited = (): string[] => latchkey.logs.filter((line) => line.includes('"status":429'));

describe.each(CLIENTS)('%s', (example) => {
  it('sends all requests, at the pace that the key allows', async () => {
    const { token } = await createKey(latchkey, { name: example });
    expect(await runIt(example, token)).toEqual({ status: 0, stdout: '40 answers\n', stderr: '' });
    expect(limited()).toEqual([]);
    expect(documentOf(`examples/${example}/README.md`)).toContain('```text\n40 answers\n```');
  });

  it('reports the problem of the key, without the key', async () => {
    const { token } = await createKey(latchkey, { name: example, scopes: ['write:assets'] });
    const { status, stdout, stderr } = await runIt(example, token);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('read:assets');
    expect(stderr).not.toContain(token);
  });
});
