import { parseExposition } from '../metrics/exposition.js';
import { openRaw, type RawConnection } from '../../support/rawConnection.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { until } from '../../support/until.js';
import { place, removeAll, startCluster, type Cluster } from './installation.js';

/** MAX_CONNECTIONS with workers, by raw sockets. */

const EACH = 3;
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const METRICS = `GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${OPERATOR_KEY}\r\n\r\n`;

const opened: RawConnection[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await removeAll();
});

async function open(port: number): Promise<RawConnection> {
  const connection = await openRaw(port);
  opened.push(connection);
  return connection;
}

const answersOf = ({ text }: RawConnection): number => text().match(/HTTP\/1\.1 200/g)?.length ?? 0;

/** Opens a connection and sends a request on it. @returns null if the server closes the connection without a response */
async function openAndAsk(port: number): Promise<RawConnection | null> {
  const connection = await open(port);
  connection.socket.write(HEALTH);
  await until(() => connection.isClosed() || answersOf(connection) === 1);
  if (!connection.isClosed()) return connection;
  expect(connection.text()).toBe('');
  return null;
}

async function answered(port: number): Promise<RawConnection> {
  const connection = await openAndAsk(port);
  if (connection === null) throw new Error('The connection was refused.');
  return connection;
}

/** The process that answered the latest request on this connection. */
function servedBy(cluster: Cluster, { text }: RawConnection): Promise<number> {
  const requestId = [...text().matchAll(/^x-request-id: (\S+)/gim)].at(-1)?.[1] ?? '';
  return cluster.servedBy({ requestId } as never);
}

async function metricsOver(connection: RawConnection): Promise<ReturnType<typeof parseExposition>> {
  const from = connection.text().length;
  connection.socket.write(METRICS);
  const body = await until(() => {
    const [head = '', text = ''] = connection.text().slice(from).split('\r\n\r\n');
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Infinity);
    return text.length >= length && text;
  });
  return parseExposition(body);
}

test('X12: with two workers, each takes MAX_CONNECTIONS, further ones are closed, and one that ends makes room for one', async () => {
  const env = { MAX_CONNECTIONS: String(EACH), ADMIN_API_KEY: OPERATOR_KEY };
  const cluster = startCluster(['--workers', '2'], { ...place(), ...env });
  const port = Number(new URL(await cluster.url()).port);
  const workers = await cluster.workers();

  const kept: RawConnection[] = [];
  for (let i = 0; i < 2 * EACH; i += 1) kept.push(await answered(port));
  const pids = await Promise.all(kept.map((connection) => servedBy(cluster, connection)));
  for (const pid of workers) expect(pids.filter((each) => each === pid)).toHaveLength(EACH);

  const REFUSED = 5;
  for (let i = 0; i < REFUSED; i += 1) expect(await openAndAsk(port)).toBeNull();
  const [first] = kept as [RawConnection];
  const counted = await metricsOver(first);
  expect(counted.value('latchkey_connections_open')).toBe(2 * EACH);
  expect(counted.value('latchkey_connections_refused_total')).toBe(REFUSED);
  const warnings = cluster.log().filter(({ msg }) => String(msg).includes('MAX_CONNECTIONS'));
  // At most once a minute in each process.
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThanOrEqual(2);

  // All of one worker: the other one is still full, whichever turn it is.
  const [emptied] = workers;
  for (const [i, connection] of kept.entries()) if (pids[i] === emptied) connection.socket.destroy();
  const asker = kept.find((_, i) => pids[i] !== emptied) ?? first;
  await until(async () => (await metricsOver(asker)).value('latchkey_connections_open') === EACH);
  for (let i = 0; i < EACH; i += 1) {
    expect(await servedBy(cluster, await answered(port))).toBe(emptied);
  }
  expect(await openAndAsk(port)).toBeNull();
});
