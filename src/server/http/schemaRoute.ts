import { getDocumentNodeFromSchema } from '@graphql-tools/utils';
import type { FastifyInstance } from 'fastify';
import { isInputObjectType, isObjectType, Kind, print, visit, type GraphQLSchema } from 'graphql';
import type { Limits } from '../../core/limits/limits.js';
import type { AuthenticationHook } from './authentication.js';
import { takeOneRequest } from './oneRequest.js';
import { Verdicts, type VerdictsOptions } from '../../management/verdicts.js';
import { OfSchema } from '../../core/guard/schemaRevision.js';
import { readable, unreadable, type Introspection } from '../../core/guard/introspection.js';

interface SchemaRouteOptions extends VerdictsOptions {
  /** Returns the current schema. */
  readonly schemaOf: () => GraphQLSchema;
  readonly introspection: Introspection;
  readonly limiter: Limits;
  readonly authenticate: AuthenticationHook;
  /** Default: /schema.graphql. */
  readonly path?: string;
}

/**
 * Serves GET /schema.graphql: the schema with its directives, as far as the caller may introspect it. Costs a key one
 * request.
 */
export function schemaRoute(
  app: FastifyInstance,
  { schemaOf, introspection, limiter, authenticate, path = '/schema.graphql', ...told }: SchemaRouteOptions,
): void {
  const verdicts = new Verdicts(told);
  const texts = new OfSchema(printed);
  app.get(path, { onRequest: authenticate }, async ({ principal }, reply) => {
    const view = readable(introspection, schemaOf(), principal);
    if (view === null) {
      const refusal = unreadable(introspection, principal);
      verdicts.refused(principal, refusal);
      throw refusal;
    }
    if (principal.kind !== 'anonymous') await takeOneRequest(principal, limiter, verdicts);
    return reply.type('text/plain; charset=utf-8').header('cache-control', 'private, no-store').send(texts.of(view));
  });
}

/**
 * Prints a schema with directives and with its current descriptions: those in the definitions lack the requirements of
 * each field, argument and input field.
 */
function printed(schema: GraphQLSchema): string {
  const document = visit(getDocumentNodeFromSchema(schema), {
    ObjectTypeDefinition(node) {
      const type = schema.getType(node.name.value);
      if (!isObjectType(type)) return undefined;
      const fields = node.fields?.map((field) => {
        const current = type.getFields()[field.name.value];
        const args = field.arguments?.map((argument) =>
          described(
            argument,
            current?.args.find(({ name }) => name === argument.name.value),
          ),
        );
        return described({ ...field, ...(args !== undefined && { arguments: args }) }, current);
      });
      return { ...node, ...(fields !== undefined && { fields }) };
    },
    InputObjectTypeDefinition(node) {
      const type = schema.getType(node.name.value);
      if (!isInputObjectType(type)) return undefined;
      const fields = node.fields?.map((field) => described(field, type.getFields()[field.name.value]));
      return { ...node, ...(fields !== undefined && { fields }) };
    },
  });
  return `${print(document)}\n`;
}

function described<Node extends object>(
  node: Node,
  part: { readonly description?: string | null | undefined } | undefined,
): Node {
  const value = part?.description;
  if (value == null) return node;
  return { ...node, description: { kind: Kind.STRING, value, block: value.includes('\n') } };
}
