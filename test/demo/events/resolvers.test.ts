import { jest } from '@jest/globals';
import { eventResolvers } from '../../../src/demo/events/resolvers.js';
import type { EventService } from '../../../src/demo/events/service.js';
import type { EventRecord } from '../../../src/demo/store/demoRecords.js';

const anEvent = (id: string, properties: string | null): EventRecord => ({
  projectId: 'ws_a',
  id,
  type: 'plain',
  asset: null,
  at: 0,
  rows: null,
  properties,
});

test('R2: the properties of an event are parsed once, under any number of aliases', () => {
  const { Event } = eventResolvers({ service: {} as EventService, project: async () => Promise.reject(new Error()) });
  const parse = jest.spyOn(JSON, 'parse');
  const [event, equal, empty] = [anEvent('a', '{"run":7}'), anEvent('b', '{"run":7}'), anEvent('c', null)];
  const first = Event.properties(event);
  expect(first).toEqual({ run: 7 });
  for (let i = 0; i < 25; i += 1) expect(Event.properties(event)).toBe(first);
  expect(Event.properties(equal)).not.toBe(first);
  expect(Event.properties(equal)).toEqual(first);
  expect([Event.properties(empty), Event.properties(empty)]).toEqual([null, null]);
  expect(parse).toHaveBeenCalledTimes(2);
  parse.mockRestore();
});
