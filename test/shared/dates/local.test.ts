import { join } from 'node:path';
import { parseLocalDay, parseLocalInput } from '../../../src/shared/dates/local.js';
import { PROJECT } from '../../support/project.js';
import { run } from '../../support/run.js';

/** A zone, days to check in it, and the hours of a day on which clocks change there. */
const ZONES: readonly (readonly [zone: string, days: readonly string[], hours: number])[] = [
  ['America/New_York', ['2026-03-08', '2026-11-01'], 25],
  ['America/Sao_Paulo', ['2018-11-04', '2018-02-17', '2018-02-18'], 24],
  ['Africa/Cairo', ['2014-05-15', '2014-05-16', '2026-04-24', '2026-10-29', '2026-10-30'], 24],
  ['Asia/Beirut', ['2026-03-29', '2026-10-24', '2026-10-25'], 24],
  ['America/Havana', ['2026-03-08', '2026-11-01'], 25],
  ['Pacific/Apia', ['2011-12-29', '2011-12-30', '2011-12-31'], 24],
  ['Asia/Kolkata', [], 24],
  ['Asia/Kathmandu', [], 24],
  ['Australia/Lord_Howe', ['2026-04-05', '2026-10-04'], 24],
  ['Pacific/Kiritimati', ['9999-12-31'], 24],
  ['Etc/GMT+12', ['9999-12-31'], 24],
  ['UTC', ['0002-01-01', '0050-06-01', '1970-01-01', '2024-02-29', '9999-12-31'], 24],
];

interface Checked {
  readonly timeZone: string;
  readonly faults: string[];
  readonly filter: { readonly from: string; readonly to: string };
}

/** By zone. Another process checks them, because the zone of this one must not change. */
const checked = new Map<string, Checked>();
beforeAll(async () => {
  const files = ['support/ts-loader.mjs', 'shared/dates/zone.worker.ts'].map((name) => join(PROJECT, 'test', name));
  const { status, stdout, stderr } = await run(process.execPath, ['--import', ...files, JSON.stringify(ZONES)]);
  expect([status, stderr]).toEqual([0, '']);
  (JSON.parse(stdout) as Checked[]).forEach((each, i) => checked.set(ZONES[i]?.[0] ?? '', each));
});

const hoursOf = ({ from, to }: Checked['filter']): number => (Date.parse(to) - Date.parse(from)) / 3_600_000;

test.each(ZONES)('F11: each day in %s begins where the previous one ends', (zone, _, hours) => {
  const { timeZone, faults, filter } = checked.get(zone) ?? {};
  // Releases of ICU differ in the names.
  const named = new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone;
  expect([timeZone, faults]).toEqual([named, []]);
  expect(filter && hoursOf(filter)).toBe(hours);
});

test('F7: an input of the dashboard has an existing day, or nothing', () => {
  for (const text of [
    '2027-02-29',
    '2027-02-30',
    '2027-13-01',
    '12027-01-01',
    '+010000-01-01',
    ' 2027-01-01',
    'today',
    '',
  ])
    expect([text, parseLocalDay(text)]).toEqual([text, null]);
  for (const text of [
    '2027-02-29T12:00',
    '2027-02-28T24:00',
    '2027-02-28T12:60',
    '12027-01-01T00:00',
    '2027-01-01',
    '',
  ])
    expect([text, parseLocalInput(text)]).toEqual([text, null]);
  expect(parseLocalInput('2028-02-29T12:30')).toBe(new Date(2028, 1, 29, 12, 30).getTime());
  expect(parseLocalInput('2028-02-29T12:30:15.5')).toBe(new Date(2028, 1, 29, 12, 30, 15, 500).getTime());
});
