import { csvCell } from '../../../src/management/usage/usageExport.js';

test.each([
  ['=1+1', "'=1+1"],
  ['a;=1+1', "a;'=1+1"],
  ['a; @SUM(1)', "a; '@SUM(1)"],
  ['a\t-1', "a\t'-1"],
  ['a\r\n=1', 'a =1'],
  ['a=1;b-2', 'a=1;b-2'],
  ['"a";-1', `"""a"";'-1"`],
])('writes %j as %j, which no spreadsheet runs', (value, cell) => {
  expect(csvCell(value)).toBe(cell);
});
