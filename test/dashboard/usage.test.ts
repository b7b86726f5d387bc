import type { Page } from 'playwright-core';
import { createKey } from '../support/service.js';
import { openDashboard, type TestDashboard } from './support.js';
import { until } from '../support/until.js';
import { rest } from './browser.js';

const HOUR = 3_600_000;
/** In New York, clocks went back on 1 November at 06:00 UTC. */
const NOW = Date.parse('2026-11-01T15:30:00Z');
let now = NOW;
let dashboard: TestDashboard;
let id: string;
beforeAll(async () => {
  now = NOW - 26 * 24 * HOUR;
  dashboard = await openDashboard({ now: () => now });
  const { service, admin } = dashboard;
  const key = await createKey(service, { name: 'charted', scopes: ['read:all'] }, admin);
  id = key.id;
  for (let hours = 25 * 24; hours >= 0; hours -= hours > 24 ? 24 : 1) {
    now = NOW - hours * HOUR;
    for (let i = 0; i <= hours % 8; i++) await service.query('{ assets { name } }', { token: key.token });
    if (hours % 3 === 0) await service.query('{ apiKeys { totalCount } }', { token: key.token });
    await service.service.latchkey.usage.flush();
  }
});
afterAll(() => dashboard.close());
afterEach(() => {
  now += 2_000;
  expect(dashboard.browser.faults()).toEqual([]);
});

interface Chart {
  readonly yLabels: readonly { readonly text: string; readonly y: number }[];
  readonly lines: readonly number[];
  readonly xLabels: readonly {
    readonly text: string;
    readonly x: number;
    readonly left: number;
    readonly right: number;
  }[];
  readonly bars: readonly number[];
  readonly box: { readonly left: number; readonly right: number };
}

/** The positions of labels, lines and bars, in CSS pixels. */
const MEASURE = `(() => {
  const all = (selector) => [...document.querySelectorAll('.recharts-wrapper ' + selector)];
  const box = (element) => { const { x, y, width, height, left, right } = element.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2, left, right }; };
  const labels = (axis) => all('.recharts-' + axis + '-tick-labels text, .' + 'recharts-' + axis + ' .recharts-cartesian-axis-tick text');
  const unique = (elements) => [...new Set(elements)];
  return {
    yLabels: unique(labels('yAxis')).map((text) => ({ text: text.textContent, y: box(text).y })),
    xLabels: unique(labels('xAxis')).map((text) => ({ text: text.textContent, ...box(text) })),
    lines: all('.recharts-cartesian-grid-horizontal line').map((line) => box(line).y),
    bars: all('.recharts-bar-rectangle').map((bar) => box(bar).x),
    box: box(document.querySelector('.recharts-wrapper')),
  };
})()`;

/** Measures the chart when it no longer moves. */
async function measured(page: Page): Promise<Chart> {
  let before = '';
  return until(async () => {
    const chart = await page.evaluate<Chart>(MEASURE);
    const isStill = JSON.stringify(chart) === before;
    before = JSON.stringify(chart);
    return isStill && chart;
  }, 'the chart is still');
}

async function open(zone: string, colorScheme: 'light' | 'dark', width: number, view: 'hours' | 'days'): Promise<Page> {
  const page = await dashboard.open(`/keys/${id}`, { colorScheme, viewport: { width, height: 900 }, timezoneId: zone });
  await page.clock.setFixedTime(now);
  await page.reload();
  await page.locator('input[type=password]').fill(dashboard.admin);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'charted' }).waitFor();
  if (view === 'days') await page.getByText('Last 30 days', { exact: true }).click();
  await page.locator('.recharts-bar-rectangle').last().waitFor();
  await rest(page);
  return page;
}

test.each([
  ['UTC', 'light', 1280, 'hours'],
  ['America/New_York', 'dark', 360, 'hours'],
  ['America/New_York', 'light', 1280, 'days'],
  ['Asia/Kolkata', 'light', 360, 'days'],
  ['Pacific/Chatham', 'dark', 1280, 'hours'],
] as const)('U2: in %s, %s, at %d px, every label of the %s is on its line', async (zone, scheme, width, view) => {
  const page = await open(zone, scheme, width, view);
  const { yLabels, lines, xLabels, bars, box } = await measured(page);
  expect(yLabels.length).toBeGreaterThan(2);
  expect(lines.length).toBe(yLabels.length);
  // Each label has a line, and each line has a label.
  for (const { y } of yLabels) expect(Math.min(...lines.map((line) => Math.abs(line - y)))).toBeLessThan(2);
  for (const line of lines) expect(Math.min(...yLabels.map(({ y }) => Math.abs(line - y)))).toBeLessThan(2);
  const steps = yLabels.slice(1).map(({ text }, i) => Number(text) - Number(yLabels[i]?.text));
  expect(new Set(steps).size).toBe(1);

  expect(xLabels.length).toBeGreaterThan(2);
  // Periods without requests have no bar: each label is a whole number of bars away from the first one.
  const places = [...new Set(bars.map((bar) => Math.round(bar * 100) / 100))].toSorted((a, b) => a - b);
  const step = Math.min(
    ...places
      .slice(1)
      .map((place, i) => place - (places[i] ?? 0))
      .filter((gap) => gap > 2),
  );
  for (const { x } of xLabels) {
    const away = (x - (places.at(-1) ?? 0)) / step;
    expect(Math.abs(away - Math.round(away)) * step).toBeLessThan(2);
  }
  const gaps = xLabels.slice(1).map(({ x }, i) => x - (xLabels[i]?.x ?? 0));
  for (const gap of gaps) expect(Math.abs(gap - (gaps[0] ?? 0))).toBeLessThan(2);
  xLabels.slice(1).forEach(({ left }, i) => expect(left).toBeGreaterThan(xLabels[i]?.right ?? Infinity));
  for (const { right } of xLabels) expect(right).toBeLessThanOrEqual(box.right);
});

test('U2: totals, tooltip and table have the same order', async () => {
  const page = await open('America/New_York', 'light', 1280, 'hours');
  const totals = page.getByRole('list', { name: 'Totals' }).getByRole('listitem');
  const order = (await totals.allTextContents()).map((text) => text.replace(/[\d,]+$/, ''));
  expect(order).toEqual(['Accepted', 'Rate limited', 'Missing scope']);
  const ofThisHour = page.locator('.mantine-ChartTooltip-tooltip', { hasText: '1 Nov, 10:00' });
  await until(async () => {
    // Again, because scrolling may move another bar below the pointer.
    await page.locator('.recharts-bar-rectangle').last().hover();
    return (await ofThisHour.count()) > 0;
  }, 'the tooltip shows the last bar');
  const tooltip = await ofThisHour.locator('.mantine-ChartTooltip-tooltipItem').allTextContents();
  expect(tooltip.map((text) => text.replace(/[\d,]+$/, ''))).toEqual(order);
  // The current hour, which has the same label as the first hour of the chart.
  expect(tooltip).toEqual(['Accepted1', 'Rate limited0', 'Missing scope1']);
  await page.getByRole('button', { name: 'Show as a table' }).click();
  const table = page.getByRole('table', { name: 'Usage per hour' });
  expect((await table.getByRole('columnheader').allTextContents()).slice(1)).toEqual(order);
  // When clocks went back, two hours were both 01:00.
  const hours = await table.locator('tbody td:first-child').allTextContents();
  expect(hours.filter((hour) => hour.includes('01:00'))).toHaveLength(2);
  expect(new Set(hours).size).toBe(hours.length);
});
