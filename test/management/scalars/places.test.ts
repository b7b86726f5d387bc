import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  getNamedType,
  getVariableValues,
  isInputObjectType,
  isListType,
  isNonNullType,
  parse,
  validate,
  type GraphQLInputType,
  type OperationDefinitionNode,
} from 'graphql';
import { Count } from '../../../src/management/scalars/count.js';
import { DateTime } from '../../../src/management/scalars/dateTime.js';
import { Duration } from '../../../src/management/scalars/duration.js';
import { JSONValue } from '../../../src/management/scalars/json.js';
import { Scope } from '../../../src/management/scalars/scope.js';
import { servedTypeDefs } from '../../../src/server/servedTypeDefs.js';

const schema = makeExecutableSchema({
  typeDefs: servedTypeDefs(true),
  resolvers: { Count, DateTime, Duration, JSON: JSONValue, Scope },
});

/** A wrong value of each scalar, and its error. */
const WRONG: Readonly<Record<string, readonly [literal: string, said: string]>> = {
  DateTime: ['"2027-02-29T00:00:00Z"', 'The DateTime "2027-02-29T00:00:00Z" has a day that does not exist'],
  Duration: ['"P1M"', 'The Duration "P1M" has months or years'],
  Count: ['-1', 'A Count is a whole number from 0'],
  JSON: ['9007199254740993', 'JSON cannot keep the number'],
  Scope: ['7', 'A Scope is a string'],
};

interface Place {
  readonly scalar: string;
  /** The argument with the wrong value in it. */
  readonly written: (wrong: string) => string;
}

/** Each place of an input type with one of our scalars. */
function* placesOf(type: GraphQLInputType, written: Place['written'], depth = 0): Generator<Place> {
  if (isNonNullType(type)) yield* placesOf(type.ofType, written, depth);
  else if (isListType(type)) yield* placesOf(type.ofType, (wrong) => written(`[${wrong}]`), depth);
  else if (isInputObjectType(type) && depth < 4) {
    for (const { name, type: inner } of Object.values(type.getFields()))
      yield* placesOf(inner, (wrong) => written(`{ ${name}: ${wrong} }`), depth + 1);
  } else if (getNamedType(type).name in WRONG) yield { scalar: getNamedType(type).name, written };
}

const places = (['query', 'mutation'] as const).flatMap((kind) => {
  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
  return Object.values(root?.getFields() ?? {}).flatMap((field) =>
    field.args.flatMap(({ name, type }) =>
      [...placesOf(type, (wrong) => `${kind} {\n  ${field.name}(${name}: ${wrong})\n}`)].map(
        (place) => [place.written('…').replace(/\s+/g, ' '), place] as const,
      ),
    ),
  );
});

test('the schema has an input of each scalar', () => {
  expect(places.length).toBeGreaterThanOrEqual(15);
  expect(new Set(places.map(([, { scalar }]) => scalar))).toEqual(new Set(Object.keys(WRONG)));
});

test.each(places)('N9: %s is refused with its place in the document', (_name, { scalar, written }) => {
  const [literal, said] = WRONG[scalar] ?? ['', ''];
  const text = written(literal);
  const found = validate(schema, parse(text)).filter(({ message }) => message.includes(said));
  const [line, column] = [2, (text.split('\n')[1] ?? '').indexOf(literal) + 1];
  expect(found.map(({ locations }) => locations)).toEqual([[{ line, column }]]);
});

test.each(Object.entries(WRONG))(
  'N9: a variable of %s is refused with its place in the document',
  (scalar, [literal, said]) => {
    const document = parse(`query (\n  $value: ${scalar}\n) { tiers { tier } }`);
    const [definition] = document.definitions as OperationDefinitionNode[];
    const { errors = [] } = getVariableValues(schema, definition?.variableDefinitions ?? [], {
      value: JSON.parse(literal) as unknown,
    });
    expect(errors).toMatchObject([{ message: expect.stringContaining(said), locations: [{ line: 2, column: 3 }] }]);
  },
);
