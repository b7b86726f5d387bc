import { ReadCache } from '../../../src/core/auth/readCache.js';
import { StoreStates } from '../../../src/core/auth/storeState.js';

const TTL = 1_000;

interface Value {
  readonly version: number;
}

/** A pending read of the store. */
interface Pending {
  readonly key: string;
  readonly answer: (value: Value | null) => void;
  readonly fail: (error: Error) => void;
}

/** A cache whose reads the test completes, with the test's clock. */
function openCache({ ttl = TTL, max = 100 } = {}) {
  const clock = { now: 50_000 };
  const reads: Pending[] = [];
  const cache = new ReadCache<Value>({
    ttl,
    max,
    clock: () => clock.now,
    read: (key) => new Promise((answer, fail) => reads.push({ key, answer, fail })),
  });
  return {
    cache,
    clock,
    /** All reads since the start, completed or not. */
    reads,
    /** The latest read. */
    read: (): Pending => {
      const latest = reads.at(-1);
      if (latest === undefined) throw new Error('Nothing was read.');
      return latest;
    },
    /** Reads `value` for `key` into the cache, at the current time of the clock. */
    remember: async (key: string, value: Value | null): Promise<void> => {
      const got = cache.get(key);
      reads.at(-1)?.answer(value);
      await got;
    },
  };
}

const ONE: Value = { version: 1 };
const TWO: Value = { version: 2 };

describe('a cached value', () => {
  it.each<[string, Value | null]>([
    ['a value', ONE],
    ['that nothing is there', null],
  ])('(%s) is valid until the last millisecond of ttl, for get and fresh', async (_, value) => {
    const { cache, clock, reads, remember } = openCache();
    expect(cache.fresh('a')).toBeUndefined();
    await remember('a', value);
    clock.now += TTL - 1;
    expect(cache.fresh('a')).toBe(value);
    expect(await cache.get('a')).toBe(value);
    expect(reads).toHaveLength(1);
    clock.now += 1;
    expect(cache.fresh('a')).toBeUndefined();
    const again = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(TWO);
    expect(await again).toBe(TWO);
    expect(cache.fresh('a')).toBe(TWO);
  });

  it('is read by its subject and cached under its key', async () => {
    const { cache, read } = openCache();
    const got = cache.get('hash', 'secret');
    expect(read().key).toBe('secret');
    read().answer(ONE);
    expect(await got).toBe(ONE);
    expect([cache.fresh('hash'), cache.fresh('secret')]).toEqual([ONE, undefined]);
  });

  // If it were measured from the end of a slow read, a change right after its start could take up to twice as long.
  it('is valid from the start of its read', async () => {
    const { cache, clock, reads, read } = openCache();
    const got = cache.get('a');
    clock.now += 400;
    read().answer(ONE);
    expect(await got).toBe(ONE);
    clock.now += 599;
    expect(cache.fresh('a')).toBe(ONE);
    clock.now += 1;
    expect(cache.fresh('a')).toBeUndefined();
    void cache.get('a');
    expect(reads).toHaveLength(2);
  });

  it('is returned to the caller that waited, and to no later one, if the read took longer than ttl', async () => {
    const { cache, clock, read } = openCache();
    const got = cache.get('a');
    clock.now += TTL;
    read().answer(ONE);
    expect(await got).toBe(ONE);
    expect(cache.fresh('a')).toBeUndefined();
  });

  it('is returned by last, however old or stale, until a read finds nothing', async () => {
    const { cache, clock, remember } = openCache();
    expect(cache.last('a')).toBeUndefined();
    await remember('a', ONE);
    clock.now += 1_000 * TTL;
    expect(cache.last('a')).toBe(ONE);
    cache.forget('a');
    expect(cache.last('a')).toBe(ONE);
    await remember('a', null);
    expect(cache.last('a')).toBeUndefined();
    cache.forget('a');
    await remember('a', TWO);
    expect([cache.fresh('a'), cache.last('a')]).toEqual([TWO, TWO]);
  });

  it('is read and cached separately for each key', async () => {
    const { cache, reads, remember } = openCache();
    await remember('a', ONE);
    await remember('b', TWO);
    expect(reads.map(({ key }) => key)).toEqual(['a', 'b']);
    expect([await cache.get('a'), await cache.get('b')]).toEqual([ONE, TWO]);
  });
});

describe('concurrent requests', () => {
  it('share one read', async () => {
    const { cache, clock, reads, read } = openCache();
    const got = Array.from({ length: 50 }, () => cache.get('a'));
    clock.now += TTL - 1;
    got.push(cache.get('a'));
    read().answer(ONE);
    expect(new Set(await Promise.all(got))).toEqual(new Set([ONE]));
    expect(reads).toHaveLength(1);
  });

  // Its value may be as old as its start.
  it('do not join a read that started ttl ago, and the older read does not replace the newer one', async () => {
    const { cache, clock, reads } = openCache();
    const early = cache.get('a');
    clock.now += TTL;
    const late = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[0]?.answer(ONE);
    expect(await early).toBe(ONE);
    expect(cache.fresh('a')).toBeUndefined();
    const joined = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(TWO);
    expect([await late, await joined]).toEqual([TWO, TWO]);
    expect(cache.fresh('a')).toBe(TWO);
  });

  it('share an error, which is not cached', async () => {
    const { cache, reads, read } = openCache();
    const got = [cache.get('a'), cache.get('a')];
    read().fail(new Error('away'));
    for (const each of got) await expect(each).rejects.toThrow('away');
    expect(cache.fresh('a')).toBeUndefined();
    const again = cache.get('a');
    expect(reads).toHaveLength(2);
    read().answer(ONE);
    expect(await again).toBe(ONE);
  });

  it('keep the previous value after an error', async () => {
    const { cache, clock, read, remember } = openCache();
    await remember('a', ONE);
    clock.now += TTL;
    const got = cache.get('a');
    read().fail(new Error('away'));
    await expect(got).rejects.toThrow('away');
    expect([cache.fresh('a'), cache.last('a')]).toEqual([undefined, ONE]);
  });

  it('reject even if the read throws synchronously', async () => {
    const cache = new ReadCache<Value>({
      ttl: TTL,
      max: 1,
      read: () => {
        throw new Error('broken');
      },
    });
    await expect(cache.get('a')).rejects.toThrow('broken');
    await expect(cache.get('a')).rejects.toThrow('broken');
  });
});

it('show whether a key is being read', async () => {
  const { cache, reads } = openCache();
  expect(cache.isReading('a')).toBe(false);
  const got = [cache.get('a'), cache.get('b')];
  expect([cache.isReading('a'), cache.isReading('b'), cache.isReading('c')]).toEqual([true, true, false]);
  reads[0]?.answer(ONE);
  reads[1]?.fail(new Error('away'));
  await Promise.allSettled(got);
  expect([cache.isReading('a'), cache.isReading('b')]).toEqual([false, false]);
});

describe('ttl 0', () => {
  it('reads each time and joins nothing, but keeps the latest value', async () => {
    const { cache, reads, remember } = openCache({ ttl: 0 });
    await remember('a', ONE);
    expect([cache.fresh('a'), cache.last('a')]).toEqual([undefined, ONE]);
    const [one, two] = [cache.get('a'), cache.get('a')];
    expect(reads).toHaveLength(3);
    reads[1]?.answer(TWO);
    reads[2]?.answer(null);
    expect([await one, await two]).toEqual([TWO, null]);
    expect(cache.fresh('a')).toBeUndefined();
  });
});

describe('forget', () => {
  it.each<[string, Value | null]>([
    ['a value', ONE],
    ['that nothing is there', null],
  ])('reads %s again, and no other key', async (_, value) => {
    const { cache, reads, remember } = openCache();
    await remember('a', value);
    await remember('b', ONE);
    cache.forget('a');
    expect(cache.fresh('a')).toBeUndefined();
    expect(cache.fresh('b')).toBe(ONE);
    await remember('a', TWO);
    expect(reads).toHaveLength(3);
    expect(cache.fresh('a')).toBe(TWO);
  });

  it('during a read: waiting requests get its value, new ones do not join it, and it is not cached', async () => {
    const { cache, reads } = openCache();
    const before = cache.get('a');
    cache.forget('a');
    const after = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(TWO);
    expect(await after).toBe(TWO);
    reads[0]?.answer(ONE);
    expect(await before).toBe(ONE);
    expect([cache.fresh('a'), cache.last('a')]).toEqual([TWO, TWO]);
  });

  it('during a read that ends first: nothing is cached, and new requests wait for their own read', async () => {
    const { cache, reads } = openCache();
    const before = cache.get('a');
    cache.forget('a');
    const after = cache.get('a');
    reads[0]?.answer(ONE);
    await before;
    expect([cache.fresh('a'), cache.last('a')]).toEqual([undefined, undefined]);
    const joined = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(TWO);
    expect([await after, await joined]).toEqual([TWO, TWO]);
  });

  it('between the end of a read and its caching: it is not cached', async () => {
    const { cache, read } = openCache();
    const got = cache.get('a');
    read().answer(ONE);
    cache.forget('a');
    await got;
    expect(cache.fresh('a')).toBeUndefined();
  });

  it('during a read that fails: the error affects neither new requests nor their read', async () => {
    const { cache, reads } = openCache();
    const before = cache.get('a');
    cache.forget('a');
    const after = cache.get('a');
    reads[0]?.fail(new Error('away'));
    await expect(before).rejects.toThrow('away');
    const joined = cache.get('a');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(TWO);
    expect([await after, await joined]).toEqual([TWO, TWO]);
  });
});

describe('forgetWhere', () => {
  it('marks matching values, all misses and every running read as stale', async () => {
    const { cache, reads, remember } = openCache();
    await remember('a', ONE);
    await remember('b', TWO);
    await remember('none', null);
    const running = cache.get('c');
    cache.forgetWhere(({ version }) => version === 1);
    expect(cache.fresh('a')).toBeUndefined();
    expect(cache.fresh('b')).toBe(TWO);
    expect(cache.fresh('none')).toBeUndefined();
    expect(cache.last('a')).toBe(ONE);
    reads.at(-1)?.answer(ONE);
    await running;
    expect(cache.fresh('c')).toBeUndefined();
  });
});

describe('memory', () => {
  it('keeps the most recently used values', async () => {
    const { cache, remember } = openCache({ max: 2 });
    for (const key of ['a', 'b']) await remember(key, ONE);
    cache.fresh('a');
    await remember('c', ONE);
    expect(['a', 'b', 'c'].map((key) => cache.fresh(key))).toEqual([ONE, undefined, ONE]);
    expect(cache.last('b')).toBeUndefined();
  });

  it('keeps 10,000 misses, which evict no value', async () => {
    const { cache, remember } = openCache({ max: 3 });
    await remember('a', ONE);
    for (let i = 0; i <= 10_000; i++) await remember(`none ${i}`, null);
    expect(cache.fresh('a')).toBe(ONE);
    expect(cache.fresh('none 0')).toBeUndefined();
    expect(cache.fresh('none 1')).toBeNull();
    expect(cache.fresh('none 10000')).toBeNull();
  });
});

describe('if the store has a version', () => {
  function openVersioned() {
    const store: { version: number | null; asked: number; reads: number } = { version: 1, asked: 0, reads: 0 };
    const clock = { now: 50_000 };
    const time = () => clock.now;
    const version = () => {
      store.asked += 1;
      return store.version;
    };
    const states = new StoreStates({ version, ttl: TTL, clock: time });
    const read = async () => {
      store.reads += 1;
      return ONE;
    };
    const cache = new ReadCache<Value>({ ttl: TTL, max: 100, clock: time, state: () => states.current(), read });
    return { cache, clock, store };
  }

  it('values stay valid after ttl, with one check in each ttl', async () => {
    const { cache, clock, store } = openVersioned();
    for (let i = 0; i < 10; i += 1) await cache.get(`k${i}`);
    for (let s = 0; s < 30; s += 1) {
      clock.now += TTL;
      for (let i = 0; i < 10; i += 1) expect(cache.fresh(`k${i}`)).toBe(ONE);
    }
    expect([store.reads, store.asked]).toEqual([10, 31]);
    expect(cache.remaining('k0', () => true)).toBe(TTL);
  });

  it.each([2, null])('values are read again after ttl if its version is %s', async (version) => {
    const { cache, clock, store } = openVersioned();
    await cache.get('a');
    clock.now += TTL - 1;
    store.version = version;
    expect(cache.fresh('a')).toBe(ONE);
    clock.now += 1;
    expect(cache.fresh('a')).toBeUndefined();
    await cache.get('a');
    clock.now += TTL;
    expect([cache.fresh('a'), store.reads]).toEqual([version === null ? undefined : ONE, 2]);
  });

  it('a value that was read before a change does not count as one of the state after it', async () => {
    const { cache, clock, store } = openVersioned();
    await cache.get('a');
    clock.now += TTL / 2;
    store.version = 2;
    await cache.get('b');
    clock.now += TTL / 2;
    // Read after the change, but its state was checked before.
    expect([cache.fresh('a'), cache.fresh('b')]).toEqual([undefined, ONE]);
    clock.now += TTL / 2;
    expect(cache.fresh('b')).toBeUndefined();
  });

  it('forgotten values are read again', async () => {
    const { cache, store } = openVersioned();
    await cache.get('a');
    cache.forget('a');
    expect(cache.fresh('a')).toBeUndefined();
    await cache.get('a');
    cache.forgetWhere(() => true);
    expect(cache.fresh('a')).toBeUndefined();
    expect(store.reads).toBe(2);
  });

  it('a lookup ID that does not exist is looked up again after ttl', async () => {
    const clock = { now: 0 };
    const states = new StoreStates({ version: () => 1, ttl: TTL, clock: () => clock.now });
    const cache = new ReadCache<Value>({
      ...{ ttl: TTL, max: 9, clock: () => clock.now, state: () => states.current() },
      read: async () => null,
    });
    await cache.get('a');
    clock.now += TTL;
    expect(cache.fresh('a')).toBeUndefined();
  });
});
