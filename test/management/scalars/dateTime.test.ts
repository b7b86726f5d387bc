import fc from 'fast-check';
import { parseValue } from 'graphql';
import { parseMoment } from '../../../src/shared/dates/moments.js';
import { DateTime } from '../../../src/management/scalars/dateTime.js';
import { CODE_POINT } from '../../support/codePoint.js';

const YEAR_0 = Date.parse('0000-01-01T00:00:00Z');
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z');
const moment = fc.integer({ min: YEAR_0, max: YEAR_9999 });

test('parses its own output, to the millisecond', () => {
  fc.assert(
    fc.property(moment, (ms) => expect(DateTime.parseValue(DateTime.serialize(ms))).toBe(ms)),
    { numRuns: 1000 },
  );
});

test('converts an offset to the same moment', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: YEAR_0 + 2e8, max: YEAR_9999 - 2e8 }),
      fc.integer({ min: -(24 * 60 - 1), max: 24 * 60 - 1 }),
      (ms, minutes) => {
        const two = (n: number): string => String(n).padStart(2, '0');
        const away = Math.abs(minutes);
        const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
        const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
        expect(parseMoment(local + offset)).toBe(ms);
      },
    ),
  );
});

test.each([
  ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
  ['2026-03-01t12:00:00z', Date.UTC(2026, 2, 1, 12)],
  ['2026-03-01T12:00:00.1Z', Date.UTC(2026, 2, 1, 12) + 100],
  ['2026-03-01T12:00:00.123456789Z', Date.UTC(2026, 2, 1, 12) + 123],
  ['2026-03-01T12:00:00-00:00', Date.UTC(2026, 2, 1, 12)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  ['0000-02-29T00:00:00Z', Date.parse('0000-02-29T00:00:00Z')],
  ['0050-12-31T23:59:59Z', Date.parse('0050-12-31T23:59:59Z')],
])('reads %s', (text, ms) => expect(parseMoment(text)).toBe(ms));

test.each([
  ['no such day', '2026-02-30T00:00:00Z'],
  ['no leap year', '2026-02-29T00:00:00Z'],
  ['1900 was none', '1900-02-29T00:00:00Z'],
  ['31 April', '2026-04-31T00:00:00Z'],
  ['month 13', '2026-13-01T00:00:00Z'],
  ['month 0', '2026-00-01T00:00:00Z'],
  ['day 0', '2026-01-00T00:00:00Z'],
  ['hour 24', '2026-01-01T24:00:00Z'],
  ['minute 60', '2026-01-01T12:60:00Z'],
  ['second 60', '2026-01-01T12:00:60Z'],
  ['offset of a day', '2026-01-01T12:00:00+24:00'],
  ['offset of 60 minutes', '2026-01-01T12:00:00+01:60'],
  ['no offset', '2026-01-01T12:00:00'],
  ['no time', '2026-01-01'],
  ['a space', '2026-01-01 12:00:00Z'],
  ['a year of five digits', '+12026-01-01T00:00:00Z'],
  ['a negative year', '-000001-01-01T00:00:00Z'],
  ['behind the year 9999', '9999-12-31T23:59:59-00:01'],
  ['before the year 0', '0000-01-01T00:00:00+00:01'],
  ['a comma', '2026-01-01T12:00:00,5Z'],
  ['ten digits of a second', '2026-01-01T12:00:00.1234567890Z'],
  ['other digits', '２０26-01-01T12:00:00Z'],
  ['nothing', ''],
  ['words', 'tomorrow'],
  ['a line behind', '2026-01-01T12:00:00Z\n'],
])('refuses %s: %j', (_, text) => {
  expect(parseMoment(text)).toBeNull();
  expect(() => DateTime.parseValue(text)).toThrow(
    /^(?:A DateTime is a string such as|The DateTime "[-0-9T:.+Zz ]+" (?:has|is) )/,
  );
});

test.each([0, 1_790_000_000_000, true, null, {}, ['2026-01-01T00:00:00Z']])('rejects %j', (value) => {
  expect(() => DateTime.parseValue(value)).toThrow(
    /^(?:A DateTime is a string such as|The DateTime "[-0-9T:.+Zz ]+" (?:has|is) )/,
  );
});

test.each(['12', 'true', '{a: 1}', 'ENUM', '["2026-01-01T00:00:00Z"]'])('rejects the literal %s', (literal) => {
  expect(() => DateTime.parseLiteral(parseValue(literal))).toThrow(
    /^(?:A DateTime is a string such as|The DateTime "[-0-9T:.+Zz ]+" (?:has|is) )/,
  );
});

test('reads a string literal', () => {
  expect(DateTime.parseLiteral(parseValue('"2026-03-01T12:00:00Z"'))).toBe(Date.UTC(2026, 2, 1, 12));
});

test('throws no other error for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: CODE_POINT, maxLength: 60 }), (text) => expect(parseMoment(text)).toBeNull()),
  );
});
