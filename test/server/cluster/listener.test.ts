import { Listener } from '../../../src/server/cluster/listener.js';
import { connectWhileBlocked } from '../../support/clientThread.js';

test('X2: the primary accepts connections that have reached the machine before it closes its port, and then closes them', async () => {
  const listener = await Listener.open(0, '127.0.0.1');
  const port = Number(new URL(listener.urlOf('http')).port);
  const { seen } = connectWhileBlocked(port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  let isOver = false;
  void seen.then(() => (isOver = true));
  // It waits a second for a worker, and there is none.
  await listener.close();
  expect(isOver).toBe(false);
  expect((await seen).text).toBe('');
});
