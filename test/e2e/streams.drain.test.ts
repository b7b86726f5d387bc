import { startService } from '../support/service.js';
import { openStream } from '../support/streams.js';

test('closing ends open streams with a last message, and does not wait for them', async () => {
  const service = await startService();
  const stream = await openStream(service.origin, 'subscription { keyEvents { type } }', { token: service.adminToken });
  expect(stream.status).toBe(200);
  await service.close();
  expect((await stream.last()).errors[0].extensions).toEqual({ code: 'UNAVAILABLE', retryAfter: 1 });
  expect(stream.completed()).toBe(true);
});

test('MAX_STREAMS limits the process, and the tier limits the key', async () => {
  const service = await startService({ env: { MAX_STREAMS: '2' } });
  const open = () => openStream(service.origin, 'subscription { keyEvents { type } }', { token: service.adminToken });
  const streams = [await open(), await open()];
  const { status, headers, body } = await open();
  expect([status, headers.get('retry-after'), body.errors[0].extensions.code]).toEqual([503, '5', 'UNAVAILABLE']);
  for (const stream of streams) stream.close();
  await service.close();
});
