import fc from 'fast-check';
import { parseValue } from 'graphql';
import { formatDuration, parseDuration } from '../../../src/shared/dates/durations.js';
import { Duration } from '../../../src/management/scalars/duration.js';

const DAY = 86_400_000;

test('parses its own output', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 * DAY }), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)),
    { numRuns: 1000 },
  );
});

test.each([
  ['P1D', DAY],
  ['P2W', 14 * DAY],
  ['PT90M', 90 * 60_000],
  ['P1DT12H', 1.5 * DAY],
  ['PT0S', 0],
  ['P0D', 0],
  ['PT36H', 1.5 * DAY],
  ['PT0.5S', 500],
  ['PT1.001S', 1001],
  ['P1DT1H1M1.5S', DAY + 3_600_000 + 60_000 + 1_500],
])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each([
  [0, 'PT0S'],
  [DAY, 'P1D'],
  [1500, 'PT1.5S'],
  [90 * 60_000, 'PT1H30M'],
  [DAY + 1, 'P1DT0.001S'],
])('writes %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('never writes a negative duration, and rounds to the millisecond', () => {
  expect(Duration.serialize(-5)).toBe('PT0S');
  expect(Duration.serialize(1.4)).toBe('PT0.001S');
});

test.each([
  ['months', 'P1M'],
  ['years', 'P1Y'],
  ['months and days', 'P1M2D'],
  ['weeks with days', 'P1W2D'],
  ['nothing at all', 'P'],
  ['no time behind T', 'P1DT'],
  ['T alone', 'PT'],
  ['a sign', '-P1D'],
  ['a plus', '+P1D'],
  ['a sign within', 'P-1D'],
  ['small letters', 'p1d'],
  ['a fraction of a day', 'P1.5D'],
  ['a comma', 'PT0,5S'],
  ['four digits of a second', 'PT0.0001S'],
  ['the wrong order', 'PT1S1M'],
  ['white space', 'P1D '],
  ['a line behind', 'P1D\n'],
  ['a number', '86400'],
  ['an empty one', ''],
  ['digits without end', `PT${'9'.repeat(100)}S`],
])('refuses %s: %j', (_, text) => {
  expect(parseDuration(text)).toBeNull();
  expect(() => Duration.parseValue(text)).toThrow(
    /^(?:A Duration is a string such as|The Duration "P[0-9A-Z.]+" has months or years)/,
  );
});

test.each([0, 86_400, true, null, {}, ['P1D']])('rejects %j', (value) => {
  expect(() => Duration.parseValue(value)).toThrow(
    /^(?:A Duration is a string such as|The Duration "P[0-9A-Z.]+" has months or years)/,
  );
});

test('reads only string literals', () => {
  expect(Duration.parseLiteral(parseValue('"P1D"'))).toBe(DAY);
  expect(() => Duration.parseLiteral(parseValue('1'))).toThrow(
    /^(?:A Duration is a string such as|The Duration "P[0-9A-Z.]+" has months or years)/,
  );
});

test('returns a safe integer for any valid text', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^P[0-9]{0,7}[WD]?T?[0-9]{0,10}[HM]?[0-9]{0,10}(\.[0-9]{1,4})?S?$/), (text) => {
      const ms = parseDuration(text);
      if (ms !== null) expect(Number.isSafeInteger(ms)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
