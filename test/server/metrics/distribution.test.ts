import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { Distribution } from '../../../src/server/metrics/distribution.js';

test('gives the same output as the histogram of prom-client', async () => {
  const values = fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(0, 0.5, 1, 2.5, 10));
  const routes = fc.constantFrom('/graphql', '/readyz', 'a "quoted" one');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(routes, values), { maxLength: 100 }), async (observations) => {
      const buckets = [0.5, 1, 2.5, 10];
      const [own, theirs] = [new Registry(), new Registry()];
      const distribution = new Distribution(own, 'took_seconds', 'How long.', buckets);
      const histogram = new Histogram({
        name: 'took_seconds',
        help: 'How long.',
        labelNames: ['route'],
        buckets,
        registers: [theirs],
      });
      const series = new Map<string, ReturnType<Distribution['of']>>();
      for (const [route, value] of observations) {
        if (!series.has(route)) series.set(route, distribution.of({ route }));
        series.get(route)?.observe(value);
        histogram.labels(route).observe(value);
      }
      expect(await own.metrics()).toBe(await theirs.metrics());
    }),
  );
});
