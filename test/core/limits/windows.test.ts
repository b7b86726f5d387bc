import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { Windows } from '../../../src/core/limits/windows.js';
import { OneFamily } from './family.js';

describe('the windows of one family', () => {
  it('admits the burst, then rejects until the second is over', () => {
    const window = new OneFamily();
    expect(window.admit(0, 1, 20, 2)).toEqual({ outcome: 'admitted' });
    expect(window.admit(300, 1, 20, 2)).toEqual({ outcome: 'admitted' });
    expect(window.admit(400, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 600 });
    expect(window.admit(999, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 1 });
    expect(window.admit(1000, 1, 20, 2)).toEqual({ outcome: 'admitted' });
  });

  it('removes an admission after exactly one window', () => {
    const window = new OneFamily();
    window.admit(0, 1, 1, 1);
    expect(window.admit(RATE_WINDOW - 1, 1, 1, 1)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 1 });
    expect(window.admit(RATE_WINDOW, 1, 1, 1).outcome).toBe('admitted');
  });

  it('a rejected request takes no quota', () => {
    const window = new OneFamily();
    for (let at = 0; at < 20; at += 1) window.admit(at * 1000, 1, 20, 2);
    const outcomes = new Set<string>();
    for (let at = 20_000; at < 60_000; at += 7) outcomes.add(window.admit(at, 1, 20, 2).outcome);
    expect([...outcomes]).toEqual(['refused']);
    // If the rejections had counted, the window would be full for another minute.
    expect(window.admit(60_000, 1, 20, 2).outcome).toBe('admitted');
  });

  it('steady traffic just below the limit is never limited', () => {
    const window = new OneFamily();
    // 500 a minute in steps of 120 ms, for an hour.
    const outcomes = new Set<string>();
    for (let at = 0; at < 3_600_000; at += 120) outcomes.add(window.admit(at, 1, 500, 25).outcome);
    expect([...outcomes]).toEqual(['admitted']);
  });

  it('does not admit a double burst around a clock minute', () => {
    const window = new OneFamily();
    let admitted = 0;
    for (let at = 59_000; at < 61_000; at += 10) if (window.admit(at, 1, 20, 20).outcome === 'admitted') admitted += 1;
    expect(admitted).toBe(20);
  });

  it('names the window with the longer wait', () => {
    const window = new OneFamily();
    window.admit(0, 2, 4, 2);
    window.admit(59_500, 2, 4, 2);
    // The rate has room in 500 ms, the burst in 999 ms.
    expect(window.admit(59_501, 1, 4, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 999 });
    window.admit(60_500, 2, 4, 2);
    expect(window.admit(60_501, 1, 4, 2)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 58_999 });
  });

  it('distinguishes a cost that never fits from one that must wait', () => {
    const window = new OneFamily();
    expect(window.admit(0, 3, 20, 2)).toEqual({ outcome: 'never', limit: 2 });
    expect(window.admit(0, 3, 2, 20)).toEqual({ outcome: 'never', limit: 2 });
    expect(window.room(0, 20, 2).burst.remaining).toBe(2);
  });

  it.each([0, -1, 0.5, NaN, Infinity])('throws for a cost of %p, which would always fit or add units', (cost) => {
    expect(() => new OneFamily().admit(0, cost, 20, 2)).toThrow(RangeError);
  });

  it('applies a change of tier immediately and keeps the usage', () => {
    const window = new OneFamily();
    for (let at = 0; at < 20; at += 1) window.admit(at * 1000, 1, 20, 2);
    expect(window.admit(20_000, 1, 20, 2).outcome).toBe('refused');
    expect(window.admit(20_000, 25, 500, 25).outcome).toBe('admitted');
    expect(window.room(20_000, 500, 25).rate.remaining).toBe(455);

    // In the small tier, 45 of 20 units are used: the 26th oldest, one of those at 20,000, must expire first.
    expect(window.room(20_000, 20, 2).rate).toEqual({ limit: 20, remaining: 0, returnsInMs: 60_000 });
    expect(window.admit(30_000, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 50_000 });
    expect(window.admit(80_000, 1, 20, 2).outcome).toBe('admitted');
  });

  it('returns the room and the time until the next unit is free', () => {
    const window = new OneFamily();
    expect(window.room(0, 20, 2)).toEqual({
      rate: { limit: 20, remaining: 20, returnsInMs: null },
      burst: { limit: 2, remaining: 2, returnsInMs: null },
    });
    window.admit(100, 1, 20, 2);
    window.admit(600, 1, 20, 2);
    expect(window.room(700, 20, 2)).toEqual({
      rate: { limit: 20, remaining: 18, returnsInMs: 59_400 },
      burst: { limit: 2, remaining: 0, returnsInMs: 400 },
    });
    expect(window.room(1_600, 20, 2).burst).toEqual({ limit: 2, remaining: 2, returnsInMs: null });
  });

  it('a clock that goes backwards adds no room', () => {
    const window = new OneFamily();
    window.admit(10_000, 2, 20, 2);
    expect(window.admit(5_000, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: BURST_WINDOW });
  });

  it('X6: counts a unit for a whole second, also from a fraction of a ms', () => {
    const window = new OneFamily();
    window.admit(0.9, 1, 20, 1);
    expect(window.admit(1_000, 1, 20, 1)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 1 });
    expect(window.admit(1_000.8, 1, 20, 1)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 1 });
    expect(window.admit(1_000.9, 1, 20, 1)).toEqual({ outcome: 'admitted' });
    // A whole window is never announced as more than that.
    expect(window.admit(1_000.9, 1, 20, 1)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 1_000 });
  });

  it('is exact after pauses that wrap the four bytes of a time', () => {
    for (const silence of [59_999, 60_000, 65_536, 4_294_967, 4_294_968, 4_354_967, 8_589_934, 10 ** 9]) {
      const window = new OneFamily();
      window.admit(7, 1, 1, 1);
      expect(window.admit(7 + silence, 1, 1, 1).outcome).toBe(silence < RATE_WINDOW ? 'refused' : 'admitted');
    }
  });

  it('returns no time if the limit is 0', () => {
    const window = new OneFamily();
    window.admit(0, 2, 20, 2);
    expect(window.room(0, 0, 0)).toEqual({
      rate: { limit: 0, remaining: 0, returnsInMs: null },
      burst: { limit: 0, remaining: 0, returnsInMs: null },
    });
    expect(window.admit(0, 1, 0, 0)).toEqual({ outcome: 'never', limit: 0 });
  });
});

describe('Windows', () => {
  it('stores nothing for an unknown family', () => {
    const windows = new Windows();
    expect(windows.find('a', 0)).toBe(-1);
    windows.add('a', 0);
    expect(windows.find('b', 0)).toBe(-1);
    expect(windows.size).toBe(1);
  });

  it('is exact for a row that was not read for up to 35 minutes', () => {
    for (const begin of [0, 2 ** 31 / 1_000 - 5, 2 ** 32 / 1_000 - 5, 1_700_000_000_000]) {
      for (const silence of [59_999, 60_000, 65_535, 65_536, 65_537, 125_535, 131_072, 35 * 60_000]) {
        const windows = new Windows();
        windows.take(windows.add('a', begin), 1);
        const row = windows.find('a', begin + silence);
        expect(windows.rateWait(row, 1, 1)).toBe(silence < RATE_WINDOW ? RATE_WINDOW - silence : 0);
        expect(windows.burstWait(row, 1, 1)).toBe(0);
      }
    }
  });

  it('needs no more memory for a family that returns after each pause', () => {
    const windows = new Windows();
    const row = windows.add('a', 0);
    windows.take(row, 100);
    const { bytes } = windows;
    for (let now = RATE_WINDOW; now < 50 * RATE_WINDOW; now += RATE_WINDOW) {
      windows.take(windows.find('a', now), 100);
      expect(windows.bytes).toBe(bytes);
    }
  });

  it('needs no more memory for a family that never pauses', () => {
    const windows = new Windows();
    const row = windows.add('a', 0);
    let bytes = 0;
    for (let now = 0; now < 50 * RATE_WINDOW; now += 500) {
      windows.take(windows.find('a', now), 1);
      if (now < 2 * RATE_WINDOW) bytes = windows.bytes;
    }
    expect(windows.rateWait(row, 1, 120)).toBe(500);
    expect(windows.bytes).toBe(bytes);
  });

  it('is empty when no unit counts any longer', () => {
    const windows = new Windows();
    windows.take(windows.add('a', 0), 40);
    windows.take(windows.add('b', 100), 1);
    expect(windows.living(RATE_WINDOW)?.size).toBe(1);
    expect(windows.living(RATE_WINDOW + 100)).toBeNull();
  });
});
