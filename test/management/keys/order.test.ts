import fc from 'fast-check';
import { decodePosition, encodePosition } from '../../../src/management/keys/order.js';
import { KEY_ORDER_FIELDS, type KeyOrder, type KeyPosition } from '../../../src/core/store/ordering.js';

const ORDERS: readonly KeyOrder[] = KEY_ORDER_FIELDS.flatMap((field) => [
  { field, direction: 'ASC' },
  { field, direction: 'DESC' },
]);

const ID = fc.stringMatching(/^(key|conf)_[0-9A-Za-z]{16}$/);
const TIME = fc.integer({ min: 0, max: 253_402_300_799_999 });

function positionsOf({ field }: KeyOrder): fc.Arbitrary<KeyPosition> {
  const name = fc.string({ unit: 'grapheme', maxLength: 100 }).filter((text) => !text.includes('\0'));
  const value = field === 'NAME' ? name : field === 'CREATED' ? TIME : fc.option(TIME);
  return fc.record({ value, id: ID });
}

test('U4: decodes the encoded position for every order', () => {
  for (const order of ORDERS) {
    fc.assert(
      fc.property(positionsOf(order), (position) => {
        expect(decodePosition(order, encodePosition(order, position))).toEqual(position);
      }),
      { seed: 11, numRuns: 200 },
    );
  }
});

test('U4: refuses a cursor of another field or direction and names both orders', () => {
  for (const made of ORDERS) {
    for (const asked of ORDERS.filter((order) => order !== made)) {
      fc.assert(
        fc.property(positionsOf(made), (position) => {
          const cursor = encodePosition(made, position);
          expect(() => decodePosition(asked, cursor)).toThrow(
            `made for the order ${made.field} ${made.direction}, but the request uses ${asked.field} ${asked.direction}`,
          );
        }),
        { seed: 11, numRuns: 20 },
      );
    }
  }
});

test('U4: refuses any other text as a cursor', () => {
  const written = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const wrong = [
    '',
    'x',
    'A'.repeat(5_000),
    written(null),
    written(['NAME ASC', 1, 'key_0000000000000000']),
    written(['NAME ASC', 'a\0', 'key_0000000000000000']),
    written(['NAME ASC', 'a', 'usr_0000000000000000']),
    written(['NAME ASC', 'a', { $gt: '' }]),
    written(['NAME ASC', { $gt: '' }, 'key_0000000000000000']),
    written(['NAME ASC', 'a', 'key_0000000000000000', 1]),
    written(['NAME', 'a', 'key_0000000000000000']),
  ];
  for (const cursor of wrong) {
    expect(() => decodePosition({ field: 'NAME', direction: 'ASC' }, cursor)).toThrow('Invalid cursor.');
  }
  for (const cursor of ['', 'x', written(['EXPIRES ASC'])]) {
    expect(() => decodePosition({ field: 'CREATED', direction: 'DESC' }, cursor)).toThrow(/cursor/);
  }
  for (const order of ORDERS) {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(() => decodePosition(order, text)).toThrow(/cursor/i);
      }),
      { seed: 11, numRuns: 200 },
    );
  }
});
