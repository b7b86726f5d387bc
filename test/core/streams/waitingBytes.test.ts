import { WaitingBytes, type Reader } from '../../../src/core/streams/waitingBytes.js';

interface Waits extends Reader {
  readonly ended: string[];
}

/** A reader with one waiting item, which it releases when it is ended. */
function reader(bytes: WaitingBytes, workspaceId: string, thing: { size: number }, stubborn = false): Waits {
  const ended: string[] = [];
  let waiting = thing.size;
  const letGo = (): void => {
    if (waiting > 0) bytes.release(thing, thing.size);
    waiting = 0;
  };
  bytes.hold(thing, thing.size);
  const made: Waits = {
    workspaceId,
    ended,
    stalledFor: 0,
    get isEnding() {
      return ended.length > 0;
    },
    get waiting() {
      return waiting;
    },
    overflow: ({ details }) => {
      ended.push(details.code);
      if (!stubborn) letGo();
    },
    destroy: () => {
      ended.push('destroyed');
      letGo();
    },
  };
  bytes.join(made);
  return made;
}

const endings = (readers: readonly Waits[]): string[] => readers.map(({ ended }) => ended.join());

test('R3: counts shared data once, until the last stream has released it', () => {
  const bytes = new WaitingBytes(2_000);
  const shared = { size: 600 };
  const readers = Array.from({ length: 10 }, () => reader(bytes, 'a', shared));
  bytes.enforce();
  expect(bytes.held).toBe(600);
  expect(endings(readers)).toEqual(Array(10).fill(''));
  for (let i = 0; i < 10; i += 1) bytes.release(shared, 600);
  expect(bytes.held).toBe(0);
});

test('R3: above half of the limit, ends only the largest streams of the workspace with the most data', () => {
  const bytes = new WaitingBytes(2_000);
  const many = [300, 400, 350].map((size) => reader(bytes, 'many', { size }));
  const one = reader(bytes, 'one', { size: 500 });
  bytes.enforce();
  expect(endings([...many, one])).toEqual(['', 'STREAM_OVERFLOW', 'STREAM_OVERFLOW', '']);
  expect(bytes.held).toBe(800);
});

test('R3: a reader that is still receiving its last message does not end the streams of others', () => {
  const bytes = new WaitingBytes(2_000);
  const stuck = reader(bytes, 'a', { size: 900 }, true);
  const other = reader(bytes, 'a', { size: 200 });
  bytes.enforce();
  bytes.enforce();
  expect(endings([stuck, other])).toEqual(['STREAM_OVERFLOW', '']);
});

test('R3: at the limit, closes the connections of ending streams first, then others', () => {
  const bytes = new WaitingBytes(2_000);
  const stuck = reader(bytes, 'a', { size: 1_100 }, true);
  bytes.enforce();
  const other = reader(bytes, 'b', { size: 1_000 });
  bytes.enforce();
  expect(endings([stuck, other])).toEqual(['STREAM_OVERFLOW,destroyed', '']);
  expect(bytes.held).toBe(1_000);
  const large = [900, 1_200].map((size) => reader(bytes, 'c', { size }, true));
  bytes.enforce();
  expect(bytes.held).toBeLessThanOrEqual(2_000);
  expect(large[1]?.ended.at(-1)).toBe('destroyed');
});
