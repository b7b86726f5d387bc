import { connectionOf, pageOf } from '../../../src/management/schema/pageConnection.js';

test('R2: the cursors of a page are computed once, under any number of aliases', () => {
  const computed: number[] = [];
  const { edges } = connectionOf<number>((node) => {
    computed.push(node);
    return `c${node}`;
  });
  const [page, other] = [pageOf([1, 2, 3], 2, null), pageOf([3], 2, null)];
  const first = edges(page);
  expect(first).toEqual([
    { cursor: 'c1', node: 1 },
    { cursor: 'c2', node: 2 },
  ]);
  for (let i = 0; i < 100; i += 1) expect(edges(page)).toBe(first);
  expect(edges(other)).toEqual([{ cursor: 'c3', node: 3 }]);
  expect(computed).toEqual([1, 2, 3]);
});
