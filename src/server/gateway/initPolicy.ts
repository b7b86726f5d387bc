import { buildSchema, type GraphQLField, type GraphQLSchema } from 'graphql';
import { SettingsError } from '../../shared/settings/error.js';
import { rootTypes } from './gatewaySchema.js';

/** Returns a first policy for the schema of an upstream, in which every root field is closed. @throws SettingsError */
export function firstPolicy(sdl: string, upstream: string): string {
  const schema = schemaOf(sdl, upstream);
  const blocks = rootTypes(schema).map((type) =>
    Object.values(type.getFields())
      .map((field) => `# ${described(field)}\n${type.name}.${field.name}: deny\n`)
      .join(''),
  );
  return `${HEAD.replace('UPSTREAM', upstream)}\n${blocks.join('\n')}`;
}

const HEAD = `# Who may use each field of UPSTREAM. The gateway starts only if every root field is decided.
# Values: deny (closed), public (no key needed), authenticated (any valid key), a scope such as read:orders,
#   [[a, b]] (a key with both scopes), [[a], [b]] (a key with either).
# Other fields are open to everybody who can reach them, until a line such as "Order.margin: [read:margins]" restricts them.
# With "allow", a line can also have the weight of a field and the size of its list: {allow: read:orders, cost: 2, list_size: first}.
# docs/reference/gateway-policy.md has the details.
`;

export function schemaOf(sdl: string, upstream: string): GraphQLSchema {
  try {
    return buildSchema(sdl);
  } catch (error) {
    throw new SettingsError(`The schema of ${upstream} is not valid: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** Returns a field as in a schema, in one line. */
function described({ name, args, type }: GraphQLField<unknown, unknown>): string {
  const list = args.map((arg) => `${arg.name}: ${String(arg.type)}`).join(', ');
  return `${name}${list === '' ? '' : `(${list})`}: ${String(type)}`.slice(0, 150);
}
