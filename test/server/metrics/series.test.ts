import fc from 'fast-check';
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client';
import { countedBy, Durations } from '../../../src/server/metrics/series.js';

const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const about = { name: 'some_seconds', help: 'Some durations.' };

/** The lines of a text, with sums rounded: they are added up in another order. */
const linesOf = (text: string): string[] =>
  text.split('\n').map((line) => line.replace(/(_sum\S* )(\S+)/, (_, name, sum) => `${name}${Number(sum).toFixed(6)}`));

test('a histogram of durations has the same text as a histogram of prom-client', async () => {
  const route = fc.constantFrom('/graphql', 'other');
  // Whole fractions of a bound, so that many durations are equal to one.
  const ms = fc.oneof(fc.double({ min: 0, max: 20_000, noNaN: true }), fc.constantFrom(...BOUNDS.map((s) => s * 1000)));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(route, ms), { maxLength: 60 }), async (observed) => {
      const [registry, theirs] = [new Registry(), new Registry()];
      const durations = new Durations<'route'>(registry, about);
      const histogram = new Histogram({ ...about, labelNames: ['route'], buckets: BOUNDS, registers: [theirs] });
      const routes = [...new Set(observed.map(([each]) => each))];
      const series = new Map(routes.map((each) => [each, durations.labels({ route: each })]));
      for (const [each, time] of observed) {
        series.get(each)?.observe(time);
        histogram.labels({ route: each }).observe(time / 1000);
      }
      const text = await registry.metrics();
      expect(linesOf(text)).toEqual(linesOf(await theirs.metrics()));
      // The reports of several processes are combined from this form.
      const json = [await registry.getMetricsAsJSON(), await registry.getMetricsAsJSON()];
      const twice = [await theirs.getMetricsAsJSON(), await theirs.getMetricsAsJSON()];
      expect(linesOf(await AggregatorRegistry.aggregate(json).metrics()).toSorted()).toEqual(
        linesOf(await AggregatorRegistry.aggregate(twice).metrics()).toSorted(),
      );
    }),
    { numRuns: 50 },
  );
});

test('a counter shows each event once, even if it is read several times', async () => {
  const [registry, theirs] = [new Registry(), new Registry()];
  const options = { name: 'some_total', help: 'Some events.', labelNames: ['outcome'] as const };
  const created = countedBy(registry, options);
  const counter = new Counter({ ...options, registers: [theirs] });
  for (const outcome of ['good', 'bad']) counter.inc({ outcome }, 0);
  const [good, bad] = [created({ outcome: 'good' }), created({ outcome: 'bad' })];
  const expectSame = async () => expect(await registry.metrics()).toBe(await theirs.metrics());
  await expectSame();
  for (let i = 0; i < 3; i += 1) {
    good.inc();
    counter.inc({ outcome: 'good' });
  }
  await expectSame();
  await expectSame();
  bad.inc();
  counter.inc({ outcome: 'bad' });
  await expectSame();
});
