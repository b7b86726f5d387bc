import { BURST_WINDOW, RATE_WINDOW, SlidingWindow } from '../../src/limits/window.js';

describe('SlidingWindow', () => {
  it('admits the burst, then refuses until the second is over', () => {
    const window = new SlidingWindow();
    expect(window.admit(0, 1, 20, 2)).toEqual({ outcome: 'admitted' });
    expect(window.admit(300, 1, 20, 2)).toEqual({ outcome: 'admitted' });
    expect(window.admit(400, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 600 });
    expect(window.admit(999, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 1 });
    expect(window.admit(1000, 1, 20, 2)).toEqual({ outcome: 'admitted' });
  });

  it('lets an admission leave at exactly a window after it', () => {
    const window = new SlidingWindow();
    window.admit(0, 1, 1, 1);
    expect(window.admit(RATE_WINDOW - 1, 1, 1, 1)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 1 });
    expect(window.admit(RATE_WINDOW, 1, 1, 1).outcome).toBe('admitted');
  });

  it('a refused request burns no quota', () => {
    const window = new SlidingWindow();
    for (let at = 0; at < 20; at += 1) window.admit(at * 1000, 1, 20, 2);
    for (let at = 20_000; at < 60_000; at += 7) expect(window.admit(at, 1, 20, 2).outcome).toBe('refused');
    // Had the refusals counted, the window would be full for another minute.
    expect(window.admit(60_000, 1, 20, 2).outcome).toBe('admitted');
  });

  it('steady traffic just under the limit is never limited', () => {
    const window = new SlidingWindow();
    // 500 a minute in steps of 120 ms, for an hour.
    for (let at = 0; at < 3_600_000; at += 120) expect(window.admit(at, 1, 500, 25).outcome).toBe('admitted');
  });

  it('a burst across the border of a clock minute is not admitted twice over', () => {
    const window = new SlidingWindow();
    let admitted = 0;
    for (let at = 59_000; at < 61_000; at += 10) if (window.admit(at, 1, 20, 20).outcome === 'admitted') admitted += 1;
    expect(admitted).toBe(20);
  });

  it('names the window with the longer wait', () => {
    const window = new SlidingWindow();
    window.admit(0, 2, 4, 2);
    window.admit(59_500, 2, 4, 2);
    // The rate lets one go in 500 ms, the burst in 999 ms.
    expect(window.admit(59_501, 1, 4, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: 999 });
    window.admit(60_500, 2, 4, 2);
    expect(window.admit(60_501, 1, 4, 2)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 58_999 });
  });

  it('tells a cost that no wait can admit from one that must wait', () => {
    const window = new SlidingWindow();
    expect(window.admit(0, 3, 20, 2)).toEqual({ outcome: 'never', limit: 2 });
    expect(window.admit(0, 3, 2, 20)).toEqual({ outcome: 'never', limit: 2 });
    expect(window.room(0, 20, 2).burst.remaining).toBe(2);
  });

  it.each([0, -1, 0.5, NaN, Infinity])('throws on a cost of %p, which would pass or give back', (cost) => {
    expect(() => new SlidingWindow().admit(0, cost, 20, 2)).toThrow(RangeError);
  });

  it('a change of tier acts at once and forgets nothing', () => {
    const window = new SlidingWindow();
    for (let at = 0; at < 20; at += 1) window.admit(at * 1000, 1, 20, 2);
    expect(window.admit(20_000, 1, 20, 2).outcome).toBe('refused');
    expect(window.admit(20_000, 25, 500, 25).outcome).toBe('admitted');
    expect(window.room(20_000, 500, 25).rate.remaining).toBe(455);

    // Back in the small tier 45 are used of 20: the 26th oldest unit, one of those at 20,000, must leave first.
    expect(window.room(20_000, 20, 2).rate).toEqual({ limit: 20, remaining: 0, returnsInMs: 60_000 });
    expect(window.admit(30_000, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'rate', retryAfterMs: 50_000 });
    expect(window.admit(80_000, 1, 20, 2).outcome).toBe('admitted');
  });

  it('says what is left and when the next unit comes back', () => {
    const window = new SlidingWindow();
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

  it('a clock that runs back gives nothing back', () => {
    const window = new SlidingWindow();
    window.admit(10_000, 2, 20, 2);
    expect(window.admit(5_000, 1, 20, 2)).toEqual({ outcome: 'refused', window: 'burst', retryAfterMs: BURST_WINDOW });
  });

  it('is exact after silences that wrap the two bytes of a time', () => {
    for (const silence of [59_999, 60_000, 65_535, 65_536, 65_537, 125_535, 131_072, 10 ** 9]) {
      const window = new SlidingWindow();
      window.admit(7, 1, 1, 1);
      expect(window.admit(7 + silence, 1, 1, 1).outcome).toBe(silence < RATE_WINDOW ? 'refused' : 'admitted');
    }
  });
});
