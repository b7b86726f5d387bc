import { most, wronglyRefused, type Asked } from './load.js';

const at = (sent: number, outcome: Asked['outcome'], received = sent + 10): Asked => ({
  process: 0,
  sent,
  received,
  outcome,
});

test('most only counts requests that were definitely admitted within one window', () => {
  expect(most([at(0, 'admitted'), at(500, 'admitted'), at(989, 'admitted')], 1_000)).toBe(3);
  expect(most([at(0, 'admitted'), at(500, 'admitted'), at(990, 'admitted')], 1_000)).toBe(2);
  expect(most([at(0, 'admitted'), at(1, 'refused'), at(2, 'broken')], 1_000)).toBe(1);
});

test('wronglyRefused finds refused requests that fit, whatever the outcome of earlier requests', () => {
  const limits = { rate: 9, burst: 2 };
  const refused = at(1_500, 'refused');
  expect(wronglyRefused([at(1_000, 'admitted'), refused], limits, 0)).toEqual([refused]);
  expect(wronglyRefused([at(1_000, 'admitted'), at(1_200, 'admitted'), refused], limits, 0)).toEqual([]);
  // It may have been admitted at any time before its response, or without one.
  expect(wronglyRefused([at(100, 'admitted', 600), at(1_200, 'admitted'), refused], limits, 0)).toEqual([]);
  expect(wronglyRefused([at(1_000, 'broken'), at(1_200, 'admitted'), refused], limits, 1_400)).toEqual([]);
  expect(wronglyRefused([at(1_500, 'unavailable')], limits, 1_600)).toEqual([]);
});
