import fc from 'fast-check';
import { parseHttpDate } from '../../../src/shared/dates/httpDate.js';
import { faultOfMoment } from '../../../src/shared/dates/momentFault.js';
import {
  addToMoment,
  clampMoment,
  FIRST_MOMENT,
  formatMoment,
  isMoment,
  LAST_MOMENT,
  parseMoment,
  type MomentForm,
} from '../../../src/shared/dates/moments.js';
import { durationOf, momentOf, pastMomentOf } from '../../../src/cli/times.js';
import { momentOf as momentOfCell } from '../../../src/management/import/cells.js';
import { DateTime } from '../../../src/management/scalars/dateTime.js';
import { Duration } from '../../../src/management/scalars/duration.js';
import { CODE_POINT } from '../../support/codePoint.js';

const FORMS: readonly MomentForm[] = ['rfc3339', 'typed', 'exported'];
const moment = fc.integer({ min: FIRST_MOMENT, max: LAST_MOMENT });
const two = (number: number): string => String(number).padStart(2, '0');

/** The result of each place that parses a moment: ms since the epoch, or null. */
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
    orNull(() => Date.parse(momentOf('--at', text))),
    orNull(() => Date.parse(pastMomentOf('--at', text))),
    'value' in cell ? cell.value : null,
  ];
}

describe('F7: the API, the command line and imports parse the same moments', () => {
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
  ])('rejects %j', (text) => expect(everywhere(text)).toEqual([null, null, null, null]));

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

  test('the command line and imports accept more forms, and never a different day', () => {
    expect(momentOf('--at', '2028-02-29')).toBe('2028-02-29T00:00:00.000Z');
    expect(momentOf('--at', '2026-12-31T12:00Z')).toBe('2026-12-31T12:00:00.000Z');
    expect(momentOfCell('2028-02-29 12:00:00+0530', 'iso')).toEqual({ value: Date.UTC(2028, 1, 29, 6, 30) });
    for (const text of [
      '2027-02-29',
      '2027-02-30T12:00Z',
      '2027-13-01',
      '2027-01-01T24:00Z',
      '10000-01-01',
      '2027-01-01 ',
    ]) {
      expect(() => momentOf('--at', text)).toThrow('--at: invalid date');
    }
    for (const text of ['2027-02-29 12:00:00+00', '0000-00-00 00:00:00', '2027-02-28 24:00:00Z', '2027-02-28']) {
      expect(momentOfCell(text, 'iso')).toEqual({ problem: expect.stringContaining('Export it in UTC') });
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

  test('a formatted moment is parsed again, and no other text throws', () => {
    fc.assert(
      fc.property(moment, (at) => {
        for (const form of FORMS) expect(parseMoment(formatMoment(at), form)).toBe(at);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: CODE_POINT, maxLength: 60 }), (text) => {
        for (const form of FORMS) expect(parseMoment(text, form)).toBeNull();
      }),
    );
  });
});

describe('F6: no sum is past the year 9999', () => {
  const any = fc.oneof(moment, fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.constantFrom(FIRST_MOMENT, LAST_MOMENT));
  test('a sum stops at the first and the last moment, and can be formatted', () => {
    fc.assert(
      fc.property(any, fc.integer(), (at, ms) => {
        const sum = addToMoment(at, ms);
        expect(isMoment(sum)).toBe(true);
        expect(formatMoment(sum)).toMatch(/^\d{4}-\d\d-\d\dT/);
        if (isMoment(at + ms)) expect(sum).toBe(at + ms);
      }),
    );
    expect([clampMoment(8.64e15), clampMoment(-8.64e15)]).toEqual([LAST_MOMENT, FIRST_MOMENT]);
    // A moment past the last one that an earlier version stored is still written with four digits.
    expect(DateTime.serialize(1_803_685_469_079_000)).toBe('9999-12-31T23:59:59.999Z');
    expect([NaN, Infinity, 0.5, LAST_MOMENT + 1].map(isMoment)).toEqual([false, false, false, false]);
  });

  test('a duration beyond these years is an error of the command', () => {
    const now = Date.UTC(2026, 10, 29);
    expect(momentOf('--at', '365d', now)).toBe('2027-11-29T00:00:00.000Z');
    expect(pastMomentOf('--at', '365d', now)).toBe('2025-11-29T00:00:00.000Z');
    expect(momentOf('--at', 'now', LAST_MOMENT)).toBe('9999-12-31T23:59:59.999Z');
    for (const text of ['999999w', '1s']) expect(() => momentOf('--at', text, LAST_MOMENT)).toThrow('0000 to 9999');
    expect(() => momentOf('--at', '999999w', now)).toThrow('0000 to 9999');
    expect(() => pastMomentOf('--at', '999999d', now)).toThrow('0000 to 9999');
    for (const text of ['P1M', 'P1Y', 'PT', 'P', '1e3d', '-7d', '7 d', ' 7d', '0x10d']) {
      expect(() => durationOf('--at', text)).toThrow('--at: invalid length of time');
    }
    expect(['7d', 'P1W', 'PT0.5S'].map((text) => durationOf('--at', text))).toEqual(['PT604800S', 'P1W', 'PT0.5S']);
  });
});

describe('F7: dates of header fields', () => {
  test('are parsed as HTTP writes them', () => {
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
  ])('rejects %j', (text) => expect(parseHttpDate(text)).toBeNull());
});

describe('N9: errors say what is wrong with a date', () => {
  const API: readonly (readonly [string, string])[] = [
    ['2027-02-29T00:00:00Z', 'has a day that does not exist: 2027-02 has 28 days'],
    ['2028-02-30T00:00:00Z', 'has a day that does not exist: 2028-02 has 29 days'],
    ['2027-04-31T00:00:00Z', 'has a day that does not exist: 2027-04 has 30 days'],
    ['2027-01-00T00:00:00Z', 'has a day that does not exist: 2027-01 has 31 days'],
    ['2027-13-01T00:00:00Z', 'has a month that does not exist, 13'],
    ['2027-00-10T00:00:00Z', 'has a month that does not exist, 00'],
    ['2027-01-01T24:00:00Z', 'has a time that does not exist, 24:00:00: hours end at 23, minutes and seconds at 59'],
    ['2027-01-01T23:59:60Z', 'has a time that does not exist, 23:59:60: hours end at 23, minutes and seconds at 59'],
    ['2027-01-01T00:00:00+24:00', 'has an offset that does not exist, +24:00: the largest is 23:59'],
    ['2027-01-01', 'has no time of day: write 2027-01-01T00:00:00Z for its beginning in UTC'],
    ['2027-01-01T00:00:00', 'has no time zone: add Z for UTC, or an offset such as +02:00'],
    ['2027-01-01T00:00Z', 'has no seconds: write 00:00:00'],
    ['2027-01-01 00:00:00Z', 'has no T between 2027-01-01 and 00:00:00'],
    ['2027-01-01T00:00:00+0200', 'has the offset +0200: write it as in +02:00'],
    ['2027-01-01T00:00:00+02', 'has the offset +02: write it as in +02:00'],
    ['2027-01-01T00:00:00.1234567890Z', 'has more than 9 digits of a fraction of a second'],
    ['0000-01-01T00:00:00+00:01', 'is outside the years 0000 to 9999 in UTC'],
  ];

  test.each(API)('in the API: %s', (text, fault) => {
    expect(() => DateTime.parseValue(text)).toThrow(`The DateTime "${text}" ${fault}.`);
  });

  test.each(API.filter(([text]) => !['2027-01-01', '2027-01-01T00:00Z'].includes(text)))(
    'on the command line: %s',
    (text, fault) => expect(() => momentOf('--at', text)).toThrow(`--at: invalid date: ${text} ${fault}.`),
  );

  test.each(['tomorrow', '', '01.02.2027', '2027', '20270101', '+012027-01-01T00:00:00Z', '2027-01-01 '])(
    'show the expected form if the text does not look like a date: %j',
    (text) => {
      expect(faultOfMoment(text)).toBeNull();
      expect(() => DateTime.parseValue(text)).toThrow('A DateTime is a string such as "2026-03-01T12:00:00Z"');
      expect(() => momentOf('--at', text)).toThrow(
        '--at: invalid date. Write 2026-12-31T12:00:00Z, 2026-12-31 (midnight in UTC)',
      );
    },
  );

  test('exist for every rejected date, and for no other', () => {
    const two = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'));
    const text = fc
      .tuple(
        fc.integer({ min: 0, max: 9999 }).map((year) => String(year).padStart(4, '0')),
        two(14),
        two(33),
        fc.constantFrom('T', ' ', 't'),
        fc.tuple(two(25), two(61), two(61)).map((each) => each.join(':')),
        fc.constantFrom('', '.5', '.1234567890'),
        fc.constantFrom('', 'Z', '+02:00', '-0930', '+05', '+25:00', '-00:60'),
      )
      .map(
        ([year, month, day, gap, time, fraction, offset]) => `${year}-${month}-${day}${gap}${time}${fraction}${offset}`,
      );
    fc.assert(
      fc.property(text, fc.constantFrom('rfc3339', 'typed', 'exported'), (given, form) => {
        expect(faultOfMoment(given, form) === null).toBe(parseMoment(given, form) !== null);
        expect(faultOfMoment(given, form) ?? '').not.toContain('outside');
      }),
      { numRuns: 2_000 },
    );
  });

  test('say that months and years are not supported', () => {
    for (const text of ['P1M', 'P1Y', 'P1Y2M3DT4H']) {
      expect(() => Duration.parseValue(text)).toThrow(
        `The Duration "${text}" has months or years, whose lengths differ.`,
      );
      expect(() => durationOf('--at', text)).toThrow(
        '--at: invalid length of time: months and years differ in length.',
      );
    }
    for (const text of ['PT1M', 'P1W', 'PT1H']) expect(Duration.parseValue(text)).toBeGreaterThan(0);
    for (const text of ['P', 'PT', 'tomorrow', '-P1D', 'PT1.5H', 'M', 'PM']) {
      expect(() => Duration.parseValue(text)).toThrow('A Duration is a string such as');
      expect(() => durationOf('--at', text)).toThrow('--at: invalid length of time. Write 7d');
    }
  });
});

describe('N10: an import says whether the unit, the zone or the day of a cell is wrong', () => {
  test.each<[unknown, 'iso' | 'seconds' | 'milliseconds', string]>([
    [
      '2030-01-01',
      'seconds',
      'has no time of day: write 2030-01-01T00:00:00Z for its beginning in UTC. Export it in UTC, or a whole number of seconds, as `dates: seconds` says',
    ],
    [
      '2030-01-01',
      'iso',
      'has no time of day: write 2030-01-01T00:00:00Z for its beginning in UTC. Export it in UTC, and leave',
    ],
    ['2030-01-01 12:00:00', 'iso', 'has no time zone: add Z for UTC'],
    ['2030-02-30T12:00:00Z', 'milliseconds', 'has a day that does not exist: 2030-02 has 28 days'],
    ['0000-00-00 00:00:00', 'iso', 'has a month that does not exist, 00'],
    ['2030-01-01T24:00:00Z', 'iso', 'has a time that does not exist, 24:00:00'],
    ['tomorrow', 'iso', 'is not a date in ISO 8601 with its zone. Export it in UTC, such as'],
    [
      'tomorrow',
      'seconds',
      'is not a date in ISO 8601 with its zone, or a whole number of seconds, as `dates: seconds` says.',
    ],
    [1.5, 'seconds', 'is not a whole number of seconds from 1980 to 9999, as `dates: seconds` says'],
    ['1.7e9', 'seconds', 'is not a whole number of seconds'],
    [-1, 'milliseconds', 'is not a whole number of milliseconds'],
    ['1'.repeat(30), 'seconds', 'is not a whole number of seconds'],
    [1e300, 'seconds', 'is not a whole number of seconds'],
    [1.5, 'iso', 'is a number: set `dates` to seconds or milliseconds'],
    [1_900_000_000, 'iso', 'is a number: set `dates` to seconds or milliseconds'],
    [1_900_000_000, 'milliseconds', 'is 1970-01-22 in milliseconds: use `dates: seconds` if it is in seconds'],
    [1_900_000_000_000, 'seconds', 'is after the year 9999 in seconds: use `dates: milliseconds`'],
    [{ $date: { $numberLong: '1' } }, 'iso', 'is a list or an object. Export it in UTC'],
    [true, 'seconds', 'is not a date in ISO 8601'],
  ])('%j with dates: %s', (cell, dates, said) => {
    expect(momentOfCell(cell, dates)).toEqual({ problem: expect.stringContaining(said) });
  });
});
