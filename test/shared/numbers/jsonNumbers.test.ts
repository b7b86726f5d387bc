import fc from 'fast-check';
import { isExact } from '../../../src/shared/numbers/exact.js';
import { alteredIn, alteredInText, noteAltered } from '../../../src/shared/numbers/jsonNumbers.js';
import { CODE_POINT } from '../../support/codePoint.js';

test.each([
  '0',
  '-0',
  '0.0',
  '0e999999999999',
  '1',
  '1.0',
  '100e-2',
  '9007199254740991',
  '9007199254740992',
  '-9007199254740994',
  '0.1',
  '0.30000000000000004',
  '1e308',
  '1E+21',
  '5e-324',
  '1.7976931348623157e308',
  '123456789.12345678',
])('F10: %s keeps its value', (token) => {
  expect(isExact(token)).toBe(true);
  expect(alteredInText(`{"a":[${token}]}`)).toBeNull();
});

test.each([
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567890',
  '1152921504606846976',
  '1e400',
  '-1e309',
  '1e-400',
  '2e-324',
  '0.1000000000000000001',
  '123456789.123456789',
  '9007199254740993.0',
  '90071992547409930e-1',
  `1${'0'.repeat(400)}`,
  `0.${'0'.repeat(400)}1`,
])('F10: %s is altered', (token) => {
  expect(isExact(token)).toBe(false);
  expect(alteredInText(`{"a":[${token}]}`)).toBe(token.slice(0, 40));
});

test('F10: numbers that JavaScript writes are read unchanged', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(isExact(JSON.stringify(number))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

describe('F10: numbers in parsed JSON', () => {
  const parsed = (text: string) => {
    const value = JSON.parse(text);
    noteAltered(text, value);
    return value;
  };

  test('are recorded where they are, and nowhere else', () => {
    const value = parsed(
      ' { "a" : 1 , "b\\n\\"]" : { "c" : [ true , null , "12345678901234567890" , { "d" : 9007199254740993 } , [ ] ] , "e" : 1e400 } , "12345678901234567" : 0.1 }',
    );
    const deep = value['b\n"]'];
    expect([value, deep, deep.c, deep.c[3], deep.c[4]].map(alteredIn)).toEqual([
      null,
      '1e400',
      null,
      '9007199254740993',
      null,
    ]);
  });

  test('ignores a prototype, and a member that a later one with the same name replaced', () => {
    const value = parsed('{"a":[[9007199254740993]],"a":1,"__proto__":{"c":1e400},"toString":1e400,"c":[[],[1e-400]]}');
    expect([value.c, value.c[0], value.c[1]].map(alteredIn)).toEqual([null, null, '1e-400']);
    expect([value, Object.prototype].map(alteredIn)).toEqual(['1e400', null]);
  });

  test('are found in any JSON', () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => JSON.stringify(one)),
      fc.bigInt().map(String),
      fc.constantFrom('1e400', '0.1000000000000000001', '-0', '7'),
    );
    const { text } = fc.letrec<{ text: string }>((tie) => ({
      text: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.constantFrom('true', 'false', 'null'),
        fc.string({ unit: CODE_POINT }).map((one) => JSON.stringify(one)),
        fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(' ,\n')}]`),
        fc
          .array(fc.tuple(fc.string(), tie('text')), { maxLength: 4 })
          .map((items) => `{${items.map(([name, item]) => `${JSON.stringify(name)} : ${item}`).join(',')}}`),
      ),
    }));
    fc.assert(
      fc.property(text, (json) => {
        const value: unknown = parsed(json);
        const tokens = json.replace(/"(?:[^"\\]|\\.)*"/g, '').match(/-?\d[\d.eE+-]*/g) ?? [];
        const wrong = tokens.filter((token) => !isExact(token));
        expect(alteredInText(json)).toBe(wrong[0]?.slice(0, 40) ?? null);
        const noted: string[] = [];
        const left: unknown[] = [value];
        for (let one = left.pop(); one !== undefined; one = left.pop()) {
          if (typeof one !== 'object' || one === null) continue;
          const token = alteredIn(one);
          if (token !== null) noted.push(token);
          left.push(...Object.values(one));
        }
        expect(wrong.map((token) => token.slice(0, 40))).toEqual(expect.arrayContaining(noted));
        if (wrong.length === 0) expect(noted).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
