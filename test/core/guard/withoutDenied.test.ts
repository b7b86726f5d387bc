import { getOperationAST, parse, print } from 'graphql';
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

test('writes a field that is denied in one type once for each of the others', () => {
  const kept = part(nested(1));
  expect(kept && print(kept.document).match(/\bself\b/g)).toHaveLength(19);
});

test('refuses an operation whose part would multiply with each level', () => {
  expect(part(nested(2))).not.toBeNull();
  // 19 ^ 4 fields, and at 10 levels more than any memory has.
  expect(part(nested(4))).toBeNull();
  expect(part(nested(10))).toBeNull();
});
