import {
  getNamedType,
  isInputObjectType,
  isUnionType,
  printType,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
} from 'graphql';
import { z } from 'zod';
import { rulesOf } from '../../core/guard/guard.js';
import type { Introspection } from '../../core/guard/introspection.js';
import { fieldsOf } from '../../core/guard/checkDirectives.js';
import { scopesOf } from '../../core/guard/requirement.js';
import { OfSchema } from '../../core/guard/schemaRevision.js';
import { viewOf } from '../../core/guard/views.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Caller } from './caller.js';
import { told } from './toolResult.js';
import { SchemaIndex } from './schemaIndex.js';
import { LOOKS, textInput, tool, type Tool } from './tool.js';

const MAX_FOUND = 50;
const LIMIT = `a whole number from 1 to ${MAX_FOUND}`;

/**
 * Returns the tools that read the schema: for each caller the part that they may use, whatever the value of INTROSPECTION. With `off`,
 * these tools are not available.
 */
export function schemaTools(schema: GraphQLSchema, introspection: Introspection): Tool[] {
  const rules = rulesOf(schema);
  // One for each cached view.
  const indexes = new OfSchema((view) => new SchemaIndex(view, rules));
  const viewFor = ({ principal }: Caller): GraphQLSchema | null =>
    introspection === 'off' ? null : viewOf(schema, principal);
  const offered = (caller: Caller): boolean => viewFor(caller) !== null;

  return [
    tool({
      name: 'search_schema',
      title: 'Search the schema',
      description:
        'Searches the GraphQL schema for types, fields and arguments by words. Returns coordinates, signatures, descriptions and required scopes, limited to the part that this credential may use. Without words, lists the operations. Start here.',
      input: z.strictObject({
        query: textInput(0, 200)
          .default('')
          .describe('Words to look for, such as "asset freshness". Empty: all operations.'),
        limit: z.int(LIMIT).min(1, LIMIT).max(MAX_FOUND, LIMIT).default(20).describe('The maximum number of results.'),
      }),
      annotations: LOOKS,
      offered,
      async call({ query, limit }, caller) {
        const view = viewFor(caller);
        if (view === null) throw absent('This credential has no access to any part of the schema.');
        const { found, total } = indexes.of(view).search(query, limit);
        return told({ found, total });
      },
    }),
    tool({
      name: 'describe_type',
      title: 'Describe a type',
      description:
        'Returns the definition (SDL) of one type of the GraphQL schema, limited to the part that this credential may use, with the scopes that its fields require and the names of referenced types. "Query" and "Mutation" contain the operations.',
      input: z.strictObject({
        name: textInput(1, 200).describe('The name of the type, such as Query or Asset.'),
      }),
      annotations: LOOKS,
      offered,
      async call({ name }, caller) {
        const type = viewFor(caller)?.getType(name);
        if (type === undefined) {
          throw absent(
            'There is no type with this name that this credential may use. Search for it with search_schema.',
          );
        }
        const fields = [...(rules.fields.get(name) ?? [])].filter(([field]) => hasField(type, field));
        const requires = fields.map(([, rule]) => ({
          coordinate: rule.coordinate,
          requires: scopesOf(rule.requirement),
        }));
        return told({ name: type.name, sdl: printType(type), requires, refersTo: [...named(type)].sort() });
      },
    }),
  ];
}

function absent(message: string): Refusal {
  return new Refusal(message, { code: 'NOT_FOUND' });
}

function hasField(type: GraphQLNamedType, field: string): boolean {
  return 'getFields' in type && Object.hasOwn(type.getFields(), field);
}

/** Returns the names of all types, fields and values in a type's definition. */
function named(type: GraphQLNamedType): Set<string> {
  if (isUnionType(type)) return new Set(type.getTypes().map(({ name }) => name));
  if (isInputObjectType(type)) return new Set(Object.values(type.getFields()).map(nameOfType));
  return new Set(fieldsOf(type).flatMap((field) => [nameOfType(field), ...field.args.map(nameOfType)]));
}

function nameOfType({ type }: { readonly type: GraphQLType }): string {
  return getNamedType(type).name;
}
