import { jest } from '@jest/globals';
import fc from 'fast-check';
import { checkEvents, type EventInput } from '../../../src/demo/events/input.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { EVENT_RETENTION } from '../../../src/demo/store/demoRecords.js';
import { CODE_POINT } from '../../support/codePoint.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;

const check = (...events: EventInput[]) => checkEvents(events, 'prj', NOON);
const good: EventInput = { id: 'run-1', type: 'LOAD', asset: 'orders' };

/** Returns an object with this number of levels. */
const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`);
/** Returns an object whose JSON has this number of bytes. */
const sized = (bytes: number) => ({ a: 'x'.repeat(bytes - 8) });

test('missing values are null, and the time is now', () => {
  const bare = { projectId: 'prj', id: 'run-1', type: 'LOAD', asset: 'orders', at: NOON, rows: null, properties: null };
  expect(check(good)).toEqual([bare]);
  expect(check({ ...good, at: null, rows: null, properties: null })).toEqual([bare]);
  expect(check({ id: 'x', type: 'job.ended' })).toEqual([{ ...bare, id: 'x', type: 'job.ended', asset: null }]);
});

test.each<[string, Partial<EventInput>]>([
  ['an id of 100 characters', { id: `a_.-/:${'Z'.repeat(94)}` }],
  ['a type of 64 characters', { type: `a_.9${'b'.repeat(60)}` }],
  ['five minutes ahead', { at: NOON + 5 * MINUTE }],
  ['the last moment that is kept', { at: NOON - EVENT_RETENTION + 1 }],
  ['no rows', { rows: 0 }],
  ['4,096 bytes', { properties: sized(4096) }],
  ['4,096 bytes in fewer characters', { properties: { a: 'é'.repeat(2044) } }],
  ['8 levels', { properties: nested(8) }],
])('accepts %s', (_, fields) => {
  expect(check({ ...good, ...fields })).toMatchObject([{ id: fields.id ?? 'run-1', at: fields.at ?? NOON }]);
});

test.each<[string, Partial<EventInput>, string]>([
  ['no id', { id: '' }, 'id'],
  ['an id of 101 characters', { id: 'a'.repeat(101) }, 'id'],
  ['an id with a line break', { id: 'a\n' }, 'id'],
  ['an id beyond ASCII', { id: 'é' }, 'id'],
  ['no type', { type: '' }, 'type'],
  ['a type in capitals', { type: 'DELETE' }, 'type'],
  ['LOAD in another case', { type: 'Load' }, 'type'],
  ['a type of 65 characters', { type: 'a'.repeat(65) }, 'type'],
  ['a type with a line break', { type: 'load\n' }, 'type'],
  ['a load of nothing', { asset: null }, 'asset'],
  ['a name that no asset has', { asset: 'a b' }, 'asset'],
  ['more than five minutes ahead', { at: NOON + 5 * MINUTE + 1 }, 'at'],
  ['90 days ago', { at: NOON - EVENT_RETENTION }, 'at'],
  ['no moment', { at: NaN }, 'at'],
  ['fewer rows than none', { rows: -1 }, 'rows'],
  ['half a row', { rows: 0.5 }, 'rows'],
  ['a list for properties', { properties: [] }, 'properties'],
  ['a text for properties', { properties: 'x' }, 'properties'],
  ['4,097 bytes', { properties: sized(4097) }, 'properties'],
  ['4,098 bytes in fewer characters', { properties: { a: 'é'.repeat(2045) } }, 'properties'],
  ['9 levels', { properties: nested(9) }, 'properties'],
  ['lists that deep', { properties: { a: [[[[[[[[]]]]]]]] } }, 'properties'],
])('rejects %s', (_, fields, field) => {
  expect(() => check(good, { ...good, ...fields })).toThrow(
    expect.objectContaining({ details: { code: 'BAD_USER_INPUT', path: ['input', 1, field] } }),
  );
});

test('a batch has 1 to 500 events', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...good, id: `run-${i}` }));
  expect(check(...many(500))).toHaveLength(500);
  for (const count of [0, 501]) {
    expect(() => check(...many(count))).toThrow(
      expect.objectContaining({ details: { code: 'BAD_USER_INPUT', path: ['input'] } }),
    );
  }
});

const anything = fc.record<EventInput>({
  id: fc.oneof(fc.constant('a'), fc.string({ unit: CODE_POINT, maxLength: 120 })),
  type: fc.oneof(fc.constantFrom('LOAD', 'own'), fc.string({ unit: CODE_POINT, maxLength: 80 })),
  asset: fc.oneof(fc.constantFrom(null, 'orders'), fc.string({ unit: CODE_POINT, maxLength: 220 })),
  at: fc.oneof(
    fc.constantFrom(null, NOON),
    fc.double(),
    fc.integer({ min: NOON - 2 * EVENT_RETENTION, max: 2 * NOON }),
  ),
  rows: fc.oneof(fc.constantFrom(null, 1), fc.double()),
  properties: fc.oneof(fc.constant(null), fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
});

test('accepts any input within the limits, or rejects it with a path, and throws no other error', () => {
  const outcome = (event: EventInput) => {
    try {
      return check(event)[0];
    } catch (error) {
      return error;
    }
  };
  fc.assert(
    fc.property(anything, (event) => {
      const result = outcome(event);
      if (result instanceof Refusal) {
        expect(result.details).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 0, expect.any(String)] });
        // The error repeats no input.
        if (event.id.length > 20) expect(result.message).not.toContain(event.id);
        return;
      }
      expect(result).toMatchObject({
        id: expect.stringMatching(/^[\w.\-/:]{1,100}$/),
        type: expect.stringMatching(/^(LOAD|[a-z][a-z0-9_.]{0,63})$/),
      });
      const { at, properties } = result as { at: number; properties: string | null };
      expect(at > NOON - EVENT_RETENTION && at <= NOON + 5 * MINUTE).toBe(true);
      // -0 is 0 in JSON.
      expect(JSON.parse(properties ?? 'null')).toEqual(JSON.parse(JSON.stringify(event.properties)));
      expect(Buffer.byteLength(properties ?? '')).toBeLessThanOrEqual(4096);
    }),
    { numRuns: 500 },
  );
});

describe('R2: properties that are far too large', () => {
  const many = (value: unknown) => Object.fromEntries(Array.from({ length: 9_900 }, (_, i) => [`z${i}`, value]));

  test.each([
    ['many fields', many(1)],
    ['many lists', many([[]])],
    ['a list', { a: new Array(9_900).fill(null) }],
    ['a long text', { a: '\u0001'.repeat(40_000) }],
    ['a long name', { ['x'.repeat(40_000)]: 1 }],
  ])('are rejected as soon as they are too large: %s', (_, properties) => {
    let read = 0;
    const counted: object = new Proxy(properties, {
      get(target, name, receiver) {
        read += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const written = jest.spyOn(JSON, 'stringify');
    expect(() => check({ ...good, properties: counted })).toThrow('at most 4096 bytes');
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
    expect(read).toBeLessThan(1_000);
  });

  test('are the ones with JSON that is too large', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.integer({ min: -3, max: 3 }), (object, over) => {
        const bare = Buffer.byteLength(JSON.stringify({ ...object, pad: '' }));
        fc.pre(bare < 4_000);
        const properties = { ...object, pad: 'x'.repeat(4_096 - bare + over) };
        if (over > 0) expect(() => check({ ...good, properties })).toThrow('at most 4096 bytes');
        else expect(check({ ...good, properties })).toHaveLength(1);
      }),
      { seed: 5 },
    );
  });
});
