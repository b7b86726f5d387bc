import fc from 'fast-check';
import type { EventRecord } from '../../../../src/demo/store/demoRecords.js';
import type { EventFilter } from '../../../../src/demo/store/demoStore.js';
import { unique } from '../../../core/store/fixtures.js';
import { runTogether } from '../../../core/store/processes.js';
import { anEvent } from '../demoFixtures.js';
import { openDemoTarget, type DemoBench } from '../demoTarget.js';

const MINUTE = 60_000;
// Uses the real time, because MongoDB expires events by its own clock.
const TODAY = Date.now();

export function testEvents({ store, target, runs }: DemoBench): void {
  const list = (projectId: string, filter: EventFilter = {}, since = 0) =>
    store().events.list(projectId, { first: 1000, after: null, filter, since });

  describe('events', () => {
    test('are returned as they were recorded, newest first, each in its own project', async () => {
      const [a, b] = [unique('prj'), unique('prj')];
      const full = anEvent(a, { at: TODAY - 1, rows: 0 });
      const bare = anEvent(a, { type: 'job.ended', asset: null, rows: null, properties: null, at: TODAY - 2 });
      const other = anEvent(b, { id: full.id });
      expect(await store().events.record([bare, full], TODAY)).toEqual([
        { event: bare, added: true },
        { event: full, added: true },
      ]);
      expect(await store().events.record([other], TODAY)).toEqual([{ event: other, added: true }]);
      expect(await list(a)).toEqual([full, bare]);
      expect(await list(b)).toEqual([other]);
      expect(await list(unique('prj'))).toEqual([]);
      expect(await store().events.record([], TODAY)).toEqual([]);
    });

    test('F9: have more rows than fit into 32 bits', async () => {
      const prj = unique('prj');
      const events = [2 ** 31, 3_000_000_000, 2 ** 53 - 1].map((rows, i) => anEvent(prj, { rows, at: TODAY - i }));
      await store().events.record(events, TODAY);
      expect(await list(prj)).toEqual(events);
    });

    test('an existing ID keeps its event, and the other events are added', async () => {
      const prj = unique('prj');
      const first = anEvent(prj);
      await store().events.record([first], TODAY);
      const again = anEvent(prj, {
        id: first.id,
        type: 'other',
        asset: null,
        at: TODAY - 5,
        rows: null,
        properties: null,
      });
      const fresh = anEvent(prj, { at: TODAY - 9 });
      expect(await store().events.record([again, fresh], TODAY)).toEqual([
        { event: first, added: false },
        { event: fresh, added: true },
      ]);
      expect(await list(prj)).toEqual([first, fresh]);
    });

    // If an engine read before it wrote, two calls would both report that they added it.
    test('concurrent calls, even in other processes, add each event once, and one call reports it', async () => {
      const prj = unique('prj');
      const events = Array.from({ length: 10 }, (_, i) => anEvent(prj, { id: `e${i}`, at: TODAY - i }));
      const calls = Array.from({ length: 4 }, (_, i) =>
        store().events.record(i % 2 ? events : events.toReversed(), TODAY),
      );
      const job = { kind: 'record', events, times: 2 } as const;
      const [own, others] = await Promise.all([Promise.all(calls), runTogether(target(), [job, job])]);
      const added = own.flat().filter((kept) => kept.added).length;
      expect(added + (others as number[]).reduce((sum, count) => sum + count, 0)).toBe(10);
      expect(own.flat().map(({ event }) => event)).toEqual(
        calls.flatMap((_, i) => (i % 2 ? events : events.toReversed())),
      );
      expect(await list(prj)).toEqual(events);
    });

    test('lists equal those of a model, for any filter and page size', async () => {
      const event = fc.record({
        id: fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,3}$/),
        type: fc.constantFrom('LOAD', 'a', 'b'),
        asset: fc.constantFrom(null, 'x', 'y'),
        at: fc.integer({ min: -4, max: 4 }).map((minutes) => TODAY + minutes * MINUTE),
      });
      const filters: EventFilter[] = [{}, { type: 'a' }, { asset: 'x' }, { asset: 'x', type: 'LOAD' }];
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(event, { selector: ({ id }) => id, maxLength: 20 }),
          fc.constantFrom(...filters),
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: -5, max: 4 }).map((minutes) => TODAY + minutes * MINUTE),
          async (some, filter, first, since) => {
            const prj = unique('prj');
            const events = some.map((fields) => anEvent(prj, fields));
            await store().events.record(events, TODAY);
            const expected = events
              .filter(
                ({ asset, type, at }) =>
                  (filter.asset ?? asset) === asset && (filter.type ?? type) === type && at > since,
              )
              .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
            const pages: EventRecord[] = [];
            for (;;) {
              const page = await store().events.list(prj, { first, after: pages.at(-1) ?? null, filter, since });
              pages.push(...page);
              if (page.length < first) break;
            }
            expect(pages).toEqual(expected);
          },
        ),
        { numRuns: runs },
      );
    });

    test('survive a restart of the process', async () => {
      const event = anEvent(unique('prj'));
      const second = await openDemoTarget(target());
      await second.events.record([event], TODAY);
      await second.close();
      expect(await list(event.projectId)).toEqual([event]);
    });
  });
}
