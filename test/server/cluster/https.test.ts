import { selfSigned, writeCertificate, type TestCertificate } from '../../support/certificate.js';
import { askOverTls } from '../../support/https.js';
import { until } from '../../support/until.js';
import { place, removeAll, startCluster } from './installation.js';

const WHO = '{ viewer { scopes } }';

afterEach(removeAll);

test('workers use one TLS certificate, and SIGHUP to the primary renews it in all of them', async () => {
  const installed = place();
  const [first, second] = [selfSigned(), selfSigned()];
  const files = writeCertificate(installed.DATA_DIR ?? '', first);
  const cluster = startCluster(['--workers', '2'], { ...installed, ...files, NODE_ENV: 'production' });
  const url = await cluster.url();
  expect(url).toMatch(/^https:/);
  const token = await cluster.admin();
  const workers = await cluster.workers();
  const done = (message: string) => cluster.log().filter(({ msg }) => String(msg).startsWith(message));
  /** Sends requests until both workers have responded. */
  const statuses = async (pair: TestCertificate): Promise<Set<number>> => {
    const [pids, seen] = [new Set<number>(), new Set<number>()];
    for (let i = 0; i < 40 && pids.size < workers.length; i += 1) {
      const answer = await askOverTls(url, pair, WHO, { token });
      seen.add(answer.status);
      expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
      pids.add(await cluster.servedBy({ ...answer, requestId: String(answer.headers['x-request-id']) }));
    }
    expect([...pids].sort()).toEqual([...workers].sort());
    return seen;
  };
  expect(await statuses(first)).toEqual(new Set([200]));

  writeCertificate(installed.DATA_DIR ?? '', second);
  cluster.child.process.kill('SIGHUP');
  // The primary and both workers.
  await until(() => done('configuration reloaded').length === 3);
  expect(await statuses(second)).toEqual(new Set([200]));

  // An invalid pair reaches no worker.
  writeCertificate(installed.DATA_DIR ?? '', { cert: first.cert, key: second.key });
  cluster.child.process.kill('SIGHUP');
  await until(() => done('reload failed; keeping the previous configuration').length === 1);
  expect(done('reload failed; keeping the previous configuration')[0].pid).toBe(cluster.child.process.pid);
  expect(await statuses(second)).toEqual(new Set([200]));
});
