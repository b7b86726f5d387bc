import { EventBus } from '../../../src/server/streams/bus.js';
import type { KeyEvent } from '../../../src/core/keys/keyEvent.js';
import { ASSET_EVENTS, type AssetEvent } from '../../../src/demo/assets/assetEvents.js';
import { EventKinds, type StreamEvent } from '../../../src/server/streams/streamEvent.js';
import { EventQueue, MAX_WAITING } from '../../../src/core/streams/queue.js';

describe('EventQueue', () => {
  it('returns waiting events in order, then waits, then ends', async () => {
    let ends = 0;
    const queue = new EventQueue<number>(() => (ends += 1));
    queue.push(1);
    queue.push(2);
    expect([await queue.next(), await queue.next()].map(({ value }) => value)).toEqual([1, 2]);
    const third = queue.next();
    queue.push(3);
    expect((await third).value).toBe(3);
    const last = queue.next();
    await queue.return();
    await queue.return();
    queue.push(4);
    expect([(await last).done, (await queue.next()).done, ends]).toEqual([true, true, 1]);
  });

  it(`keeps ${MAX_WAITING} events, and reports only the overflow with one more`, async () => {
    let ends = 0;
    const fits = new EventQueue<number>(() => undefined);
    const queue = new EventQueue<number>(() => (ends += 1));
    for (let i = 0; i < MAX_WAITING; i += 1) {
      fits.push(i);
      queue.push(i);
    }
    expect((await fits.next()).value).toBe(0);
    queue.push(MAX_WAITING);
    expect(ends).toBe(1);
    await expect(queue.next()).rejects.toMatchObject({ details: { code: 'STREAM_OVERFLOW', events: MAX_WAITING } });
  });
});

describe('EventBus', () => {
  const kinds = new EventKinds(ASSET_EVENTS);
  const asset = (projectId: string, name: string): AssetEvent => ({ kind: 'asset', projectId, name });

  it('delivers events to subscribers of their topic, here and through the feed, but not after they unsubscribed', async () => {
    const sent: StreamEvent[] = [];
    let heard: (event: StreamEvent | null) => void = () => undefined;
    const bus = new EventBus(kinds, {
      publish: (event) => sent.push(event),
      subscribe: (listener) => (heard = listener),
    });
    const one = bus.listen('asset p', (event) => (event as AssetEvent).name !== 'c');
    const gone = bus.listen('asset p');
    await gone.return();
    bus.publish(asset('p', 'a'));
    bus.publish(asset('q', 'b'));
    bus.publish(asset('p', 'c'));
    heard(asset('p', 'd'));
    heard(null);
    expect([await one.next(), await one.next()].map(({ value }) => value)).toEqual([asset('p', 'a'), asset('p', 'd')]);
    // Received events are not sent again.
    expect(sent.map((event) => (event as AssetEvent).name)).toEqual(['a', 'b', 'c']);
    expect((await gone.next()).done).toBe(true);
  });

  it('ignores events of a kind that only other processes know', async () => {
    let heard: (event: StreamEvent | null) => void = () => undefined;
    const bus = new EventBus(new EventKinds(), {
      publish: () => undefined,
      subscribe: (listener) => (heard = listener),
    });
    const queue = bus.listen('asset p');
    heard(asset('p', 'a'));
    await queue.return();
    expect((await queue.next()).done).toBe(true);
  });

  it('sends a repeated event once a minute for each key, whichever process saw it', async () => {
    const sent: StreamEvent[] = [];
    let heard: (event: StreamEvent | null) => void = () => undefined;
    const bus = new EventBus(kinds, {
      publish: (event) => sent.push(event),
      subscribe: (listener) => (heard = listener),
    });
    const queue = bus.listen('key ws');
    const limited = (keyId: string, at: number): KeyEvent => ({
      kind: 'key',
      type: 'LIMITED',
      at,
      workspaceId: 'ws',
      projectId: null,
      keyId,
      actor: null,
      address: null,
    });
    bus.publish(limited('a', 0));
    bus.publish(limited('a', 59_999));
    heard(limited('a', 59_999));
    heard(limited('b', 59_999));
    bus.publish(limited('b', 60_000));
    bus.publish(limited('a', 60_000));
    const told = [await queue.next(), await queue.next(), await queue.next()].map(({ value }) => value);
    expect(told).toEqual([limited('a', 0), limited('b', 59_999), limited('a', 60_000)]);
    expect(sent).toEqual([limited('a', 0), limited('a', 60_000)]);
  });
});
