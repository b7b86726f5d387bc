import { getOperationAST, parse, print } from 'graphql';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { Denied } from '../../../src/core/guard/denied/denied.js';
import type { Level } from '../../../src/core/guard/denied/levels.js';
import { withoutDenied } from '../../../src/core/guard/denied/withoutDenied.js';
import { guardSchema, rulesOf } from '../../../src/core/guard/guard.js';
import { keyWith, ownSchema } from '../../bypass/own.js';

const names = Array.from({ length: 20 }, (_, i) => `T${i}`);
const schema = guardSchema(
  ownSchema(`
    interface Node { id: ID self: Node }
    ${names.map((name, i) => `type ${name} implements Node { id: ID self: Node ${i === 0 ? '@auth(scope: "read:more")' : ''} }`).join('\n')}
    type Query { node: Node @public }`),
);

function part(source: string) {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('The document has no operation.');
  const principal = keyWith(['read:orders']);
  return withoutDenied({ schema, document, operation, variables: {}, principal }, rulesOf(schema));
}

const nested = (levels: number): string => `{ node { ${'self { '.repeat(levels)}id${' }'.repeat(levels)} } }`;

test('writes a field that is denied in one type once for each other type', () => {
  const kept = part(nested(1));
  expect(kept && print(kept.document).match(/\bself\b/g)).toHaveLength(19);
});

test('refuses an operation whose part would multiply with each level', () => {
  expect(part(nested(2))).not.toBeNull();
  // 19 ^ 4 fields, and at 10 levels more than any memory has.
  expect(part(nested(4))).toBeNull();
  expect(part(nested(10))).toBeNull();
});

test('looks at the fields that are missing once for each type, and not for each object of a list', () => {
  const aliases = Array.from({ length: 3 }, (_, i) => `a${i}: self { id }`).join(' ');
  const source = `{ node { self { ${aliases} } } }`;
  const kept = part(source);
  if (kept === null) throw new Error('The operation was refused.');
  let looks = 0;
  const counting = (level: Level): Level => ({
    ...level,
    get holes() {
      looks += 1;
      return level.holes;
    },
    within: level.within.map((one) => ({ ...one, level: counting(one.level) })),
  });
  const principal = keyWith(['read:orders']);
  const refusal = new Refusal('Refused.', { code: 'BAD_REQUEST' });
  const denied = new Denied({ ...kept, level: counting(kept.level) }, principal, refusal);
  const list = Array.from({ length: 500 }, (_, i) => ({ [kept.typeKey]: `T${1 + (i % 3)}`, a1: { id: '1' } }));
  const { data, errors } = denied.complete(
    { node: { [kept.typeKey]: 'T1', self: list } },
    { fields: 50_000, bytes: 1e6 },
  );
  expect(data).toEqual({ node: { self: list.map(() => ({ a1: { id: '1' } })) } });
  expect(errors).toEqual([]);
  expect(looks).toBeLessThan(100);
});
