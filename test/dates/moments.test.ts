import fc from 'fast-check';
import { parseHttpDate } from '../../src/dates/httpDate.js';
import {
  addToMoment,
  clampMoment,
  FIRST_MOMENT,
  formatMoment,
  isMoment,
  LAST_MOMENT,
  parseMoment,
  type MomentForm,
} from '../../src/dates/moments.js';
import { durationOf, momentOf, pastMomentOf } from '../../src/cli/times.js';
import { momentOf as momentOfCell } from '../../src/import/cells.js';
import { DateTime } from '../../src/scalars/dateTime.js';

const FORMS: readonly MomentForm[] = ['rfc3339', 'typed', 'exported'];
const moment = fc.integer({ min: FIRST_MOMENT, max: LAST_MOMENT });
const two = (number: number): string => String(number).padStart(2, '0');

/** What each place that reads a moment makes of a text: ms since the epoch, or null. */
function everywhere(text: string): (number | null)[] {
  const orNull = (read: () => number): number | null => {
    try {
      return read();
    } catch {
      return null;
    }
  };
  const cell = momentOfCell(text, 'iso');
  return [
    orNull(() => DateTime.parseValue(text)),
    orNull(() => Date.parse(momentOf(text))),
    orNull(() => Date.parse(pastMomentOf(text))),
    'value' in cell ? cell.value : null,
  ];
}

describe('F7: the API, the command line and imports read the same moments', () => {
  test.each([
    '2027-02-29T00:00:00Z',
    '2027-02-30T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2027-04-31T00:00:00+01:00',
    '2027-01-01T24:00:00Z',
    '2027-01-01T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2027-00-01T00:00:00Z',
    '2027-01-00T00:00:00Z',
    '2027-01-01T00:00:00+24:00',
    '2027-01-01T00:00:00+14:60',
    '-2027-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
    '12027-01-01T00:00:00Z',
    '0000-00-00T00:00:00Z',
    '9999-12-31T23:59:59-00:01',
    '0000-01-01T00:00:00+00:01',
    ' 2027-01-01T00:00:00Z',
    '2027-01-01T00:00:00Z ',
    '2027-01-01T00:00:00Z\n',
    '2027-01-01T00:00:00',
    '2027-01-01T00:00:00,5Z',
    '2027-01-01T00:00:00.Z',
    '2027-1-1T00:00:00Z',
    '٢٠٢٧-01-01T00:00:00Z',
    'infinity',
    '',
  ])('refuses %j', (text) => expect(everywhere(text)).toEqual([null, null, null, null]));

  test.each([
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2000-02-29t23:59:59z', Date.UTC(2000, 1, 29, 23, 59, 59)],
    ['2027-01-01T00:00:00+14:00', Date.UTC(2026, 11, 31, 10)],
    ['2027-01-01T00:00:00-23:59', Date.UTC(2027, 0, 1, 23, 59)],
    ['2027-01-01T00:00:00-00:00', Date.UTC(2027, 0)],
    ['1969-12-31T23:59:59.9999Z', -1],
    ['0001-01-01T00:00:00Z', Date.parse('0001-01-01T00:00:00Z')],
    ['0000-01-01T00:00:00Z', FIRST_MOMENT],
    ['9999-12-31T23:59:59.999999999Z', LAST_MOMENT],
    ['9999-12-31T23:59:59.999+14:00', LAST_MOMENT - 14 * 3_600_000],
  ])('accepts %j', (text, at) => expect(everywhere(text)).toEqual([at, at, at, at]));

  test('the command line and imports accept more forms, and never another day', () => {
    expect(momentOf('2028-02-29')).toBe('2028-02-29T00:00:00.000Z');
    expect(momentOf('2026-12-31T12:00Z')).toBe('2026-12-31T12:00:00.000Z');
    expect(momentOfCell('2028-02-29 12:00:00+0530', 'iso')).toEqual({ value: Date.UTC(2028, 1, 29, 6, 30) });
    for (const text of [
      '2027-02-29',
      '2027-02-30T12:00Z',
      '2027-13-01',
      '2027-01-01T24:00Z',
      '10000-01-01',
      '2027-01-01 ',
    ]) {
      expect(() => momentOf(text)).toThrow('Invalid moment');
    }
    for (const text of ['2027-02-29 12:00:00+00', '0000-00-00 00:00:00', '2027-02-28 24:00:00Z', '2027-02-28']) {
      expect(momentOfCell(text, 'iso')).toEqual({ problem: expect.stringContaining('ISO 8601') });
    }
  });

  test('every text is one moment or none, in every form', () => {
    const parts = fc.tuple(
      fc.integer({ min: 0, max: 9999 }),
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 0, max: 33 }),
      fc.integer({ min: 0, max: 25 }),
      fc.integer({ min: 0, max: 61 }),
      fc.integer({ min: 0, max: 61 }),
      fc.integer({ min: -25 * 60, max: 25 * 60 }),
    );
    fc.assert(
      fc.property(parts, ([year, month, day, hour, minute, second, offset]) => {
        const away = Math.abs(offset);
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
        const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
        const text = `${date}T${two(hour)}:${two(minute)}:${two(second)}${zone}`;
        const utc = new Date(0);
        utc.setUTCFullYear(year, month - 1, day);
        const exists =
          utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
        const at = utc.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000 - offset * 60_000;
        const expected = exists && away < 24 * 60 && isMoment(at) ? at : null;
        for (const form of FORMS) expect(parseMoment(text, form)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is written is read back, and no other text throws', () => {
    fc.assert(
      fc.property(moment, (at) => {
        for (const form of FORMS) expect(parseMoment(formatMoment(at), form)).toBe(at);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        for (const form of FORMS) expect(parseMoment(text, form)).toBeNull();
      }),
    );
  });
});

describe('F6: no sum is past the year 9999', () => {
  const any = fc.oneof(moment, fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.constantFrom(FIRST_MOMENT, LAST_MOMENT));
  test('what is added stops at the first and the last moment, and can be written', () => {
    fc.assert(
      fc.property(any, fc.integer(), (at, ms) => {
        const sum = addToMoment(at, ms);
        expect(isMoment(sum)).toBe(true);
        expect(formatMoment(sum)).toMatch(/^\d{4}-\d\d-\d\dT/);
        if (isMoment(at + ms)) expect(sum).toBe(at + ms);
      }),
    );
    expect([clampMoment(8.64e15), clampMoment(-8.64e15)]).toEqual([LAST_MOMENT, FIRST_MOMENT]);
    // What an earlier version stored past the last moment is still written in four digits.
    expect(DateTime.serialize(1_803_685_469_079_000)).toBe('9999-12-31T23:59:59.999Z');
    expect([NaN, Infinity, 0.5, LAST_MOMENT + 1].map(isMoment)).toEqual([false, false, false, false]);
  });

  test('a length of time that leads out of these years is an error of the command', () => {
    const now = Date.UTC(2026, 10, 29);
    expect(momentOf('365d', now)).toBe('2027-11-29T00:00:00.000Z');
    expect(pastMomentOf('365d', now)).toBe('2025-11-29T00:00:00.000Z');
    expect(momentOf('now', LAST_MOMENT)).toBe('9999-12-31T23:59:59.999Z');
    for (const text of ['999999w', '1s']) expect(() => momentOf(text, LAST_MOMENT)).toThrow('0000 to 9999');
    expect(() => momentOf('999999w', now)).toThrow('0000 to 9999');
    expect(() => pastMomentOf('999999d', now)).toThrow('0000 to 9999');
    for (const text of ['P1M', 'P1Y', 'PT', 'P', '1e3d', '-7d', '7 d', ' 7d', '0x10d']) {
      expect(() => durationOf(text)).toThrow('Invalid length of time');
    }
    expect(['7d', 'P1W', 'PT0.5S'].map(durationOf)).toEqual(['PT604800S', 'P1W', 'PT0.5S']);
  });
});

describe('F7: dates of header fields', () => {
  test('are read back as HTTP writes them', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1000, 0), max: LAST_MOMENT }), (at) => {
        const seconds = Math.floor(at / 1_000) * 1_000;
        expect(parseHttpDate(new Date(seconds).toUTCString())).toBe(seconds);
      }),
    );
  });

  test.each([
    'Wed, 31 Feb 2027 00:00:00 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:49:60 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    '2027-01-01T00:00:00Z',
    '5.5',
    '',
  ])('refuses %j', (text) => expect(parseHttpDate(text)).toBeNull());
});
