import {
  astFromValue,
  buildASTSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  print,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLInputType,
} from 'graphql';
import { inWords } from '../../src/core/guard/requirement.js';
import { readRules } from '../../src/core/guard/readRules.js';
import type { SchemaRules } from '../../src/core/guard/rules.js';
import { servedTypeDefs } from '../../src/server/servedTypeDefs.js';
import { code, head, table } from './markdown.js';

const ROOTS = [
  ['Query', 'Queries'],
  ['Mutation', 'Mutations'],
  ['Subscription', 'Subscriptions'],
] as const;

/** Returns docs/reference/schema.md: every type, field, argument and directive, and the scopes that each requires. */
export function schemaPage(): string {
  const schema = buildASTSchema(servedTypeDefs(true));
  const rules = readRules(schema);
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const roots = ROOTS.map(([name, title]) => [title, schema.getType(name) as GraphQLObjectType] as const);
  const isRoot = (type: GraphQLNamedType): boolean => roots.some(([, root]) => root === type);
  return [
    head(
      'Schema',
      '[schema.graphql](../../schema.graphql) and [src/demo/schema.graphql](../../src/demo/schema.graphql)',
    ),
    'A field also requires the scopes that its type requires. [guard.md](guard.md) describes the requirements. ' +
      'A server prints its own schema at `/schema.graphql`.\n',
    ...roots.flatMap(([title, root]) => [`## ${title}\n`, rootPart(root, rules)]),
    '## Types\n',
    ...types.filter((type) => isObjectType(type) && !isRoot(type)).map((type) => objectPart(type as never, rules)),
    '## Inputs\n',
    ...types
      .filter(isInputObjectType)
      .map((type) => part(type.name, type.description, argumentTable('field', Object.values(type.getFields())))),
    '## Enums\n',
    ...types.filter(isEnumType).map((type) =>
      part(
        type.name,
        type.description,
        table(
          ['value', 'meaning'],
          type.getValues().map(({ name, description }) => [code(name), said(description)]),
        ),
      ),
    ),
    '## Scalars\n',
    ...types.filter(isScalarType).map((type) => part(type.name, type.description)),
    '## Directives\n',
    ...schema
      .getDirectives()
      .filter((directive) => !isSpecifiedDirective(directive))
      .map(({ name, description, locations, args }) =>
        part(`@${name}`, `${said(description)}\n\nOn ${locations.join(', ')}.`, argumentTable('argument', args)),
      ),
  ].join('\n');
}

function rootPart(root: GraphQLObjectType, rules: SchemaRules): string {
  const fields = Object.values(root.getFields());
  const overview = table(
    ['field', 'requires', ''],
    fields.map(({ name, description }) => [
      `[${code(name)}](#${(root.name + name).toLowerCase()})`,
      requirementOf(rules, root.name, name),
      firstSentence(said(description)),
    ]),
  );
  const parts = fields.map((field) =>
    part(
      `${root.name}.${field.name}`,
      `${said(field.description)}\n\nReturns ${typeLink(field.type)}. Requires ${requirementOf(rules, root.name, field.name)}.`,
      argumentTable('argument', field.args),
    ),
  );
  return [overview, ...parts].join('\n');
}

function objectPart(type: GraphQLObjectType, rules: SchemaRules): string {
  const own = rules.types.get(type.name);
  const requires = own === undefined ? '' : `\n\nRequires ${inWords(own.requirement)}.`;
  const rows = Object.values(type.getFields()).flatMap((field) => fieldRows(type, field, rules));
  return part(type.name, said(type.description) + requires, table(['field', 'type', 'requires', ''], rows));
}

/** Returns a field, and each of its arguments by its coordinate. */
function fieldRows(
  type: GraphQLObjectType,
  { name, args, type: returned, description }: GraphQLField<unknown, unknown>,
  rules: SchemaRules,
): string[][] {
  const requires = rules.fields.get(type.name)?.has(name) === true ? requirementOf(rules, type.name, name) : '';
  return [
    [code(name), typeLink(returned), requires, said(description)],
    ...args.map((argument) => [
      code(`${name}(${argument.name}:)`),
      typeLink(argument.type) + defaultOf(argument),
      '',
      said(argument.description),
    ]),
  ];
}

function argumentTable(title: string, args: readonly (GraphQLArgument | GraphQLInputField)[]): string {
  if (args.length === 0) return '';
  return table(
    [title, 'type', ''],
    args.map((argument) => [
      code(argument.name),
      typeLink(argument.type) + defaultOf(argument),
      said(argument.description),
    ]),
  );
}

function part(name: string, description: string | null | undefined, rows = ''): string {
  return (
    [`### ${name}`, said(description), rows].filter((text) => text !== '').join('\n\n') + (rows === '' ? '\n' : '')
  );
}

function typeLink(type: GraphQLOutputType | GraphQLInputType): string {
  const { name } = getNamedType(type);
  const isBuiltIn = isSpecifiedScalarType(getNamedType(type));
  return isBuiltIn ? code(String(type)) : `[${code(String(type))}](#${name.toLowerCase()})`;
}

function defaultOf({ defaultValue, type }: GraphQLArgument | GraphQLInputField): string {
  const value = defaultValue === undefined ? null : astFromValue(defaultValue, type);
  return value === null || value === undefined ? '' : ` = ${code(print(value))}`;
}

function requirementOf(rules: SchemaRules, type: string, field: string): string {
  const rule = rules.fields.get(type)?.get(field);
  return rule === undefined ? 'nothing' : inWords(rule.requirement);
}

function said(description: string | null | undefined): string {
  return description ?? '';
}

function firstSentence(text: string): string {
  return /^.*?[.:;](?=\s|$)/s.exec(text)?.[0].replace(/[:;]$/, '.') ?? text;
}
