import type { GraphQLDirective } from 'graphql';
import type { Applied, Faults } from '../appliedDirectives.js';
import { AUTH, PUBLIC } from '../directives.js';

/** The directives of the Apollo Federation specification that are read like @auth. */
export type FederationDirective = keyof typeof ARGUMENTS;

/** Their only argument; null: none. */
export const ARGUMENTS = { authenticated: null, requiresScopes: 'scopes', policy: 'policies' } as const;

const KINDS = Object.keys(ARGUMENTS) as FederationDirective[];

/** The names that these directives have in a schema. */
export type FederationNames = ReadonlyMap<string, FederationDirective>;

/** The links of a subgraph are to `federation`; those of a supergraph also to the specification of each directive. */
const SPECIFICATION = /\/(federation|authenticated|requiresScopes|policy)\/v\d+(?:\.\d+)*\/?$/;

/**
 * Returns the names of the federation directives in a schema: their own names, those with the prefix of their `@link`, such as
 * `@federation__requiresScopes`, and those that the `@link` imports them as.
 *
 * @param ofSchema the directives of the schema itself
 */
export function federationNames(ofSchema: readonly Applied[], faults: Faults): FederationNames {
  const names = new Map<string, FederationDirective>(KINDS.map((kind) => [kind, kind]));
  for (const { args } of ofSchema) {
    // @link itself can be imported under another name, so its arguments decide.
    const specification = typeof args?.url === 'string' ? SPECIFICATION.exec(args.url)?.[1] : undefined;
    if (args === null || specification === undefined) continue;
    const prefix = typeof args.as === 'string' ? args.as : specification;
    const own = KINDS.find((kind) => kind === specification);
    if (own !== undefined) names.set(prefix, own);
    for (const kind of KINDS) names.set(`${prefix}__${kind}`, kind);
    for (const [name, alias] of importsOf(args.import)) {
      const kind = KINDS.find((one) => `@${one}` === name);
      if (kind !== undefined) names.set(alias.replace(/^@/, ''), kind);
    }
  }
  for (const name of [AUTH, PUBLIC]) {
    if (!names.has(name)) continue;
    faults.push(`schema: @link imports a directive as @${name}, which is a directive of Latchkey. Use another name.`);
  }
  return names;
}

function importsOf(given: unknown): (readonly [name: string, alias: string])[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((item: unknown): (readonly [string, string])[] => {
    if (typeof item === 'string') return [[item, item]];
    const { name, as = name } = { ...(item as object) } as { readonly name?: unknown; readonly as?: unknown };
    return typeof name === 'string' && typeof as === 'string' ? [[name, as]] : [];
  });
}

/** Reports a directive that has such a name and is declared in another way, so that its arguments could not be read. */
export function checkFederationDefinition(
  { name, args }: GraphQLDirective,
  kind: FederationDirective,
  faults: Faults,
): void {
  const expected = ARGUMENTS[kind];
  const written = args.map((argument) => `${argument.name}: ${String(argument.type)}`).join(', ');
  const asSpecified = expected === null ? args.length === 0 : FORMS[expected].test(written);
  if (asSpecified) return;
  faults.push(
    `@${name} looks like @${kind} of the Federation specification, but it is not declared as ${DECLARATIONS[kind]}. Declare it like this, or use another name.`,
  );
}

const FORMS = { scopes: /^scopes: \[\[\w+!?\]!?\]!?$/, policies: /^policies: \[\[\w+!?\]!?\]!?$/ } as const;

const DECLARATIONS = {
  authenticated: '@authenticated',
  requiresScopes: '@requiresScopes(scopes: [[Scope!]!]!)',
  policy: '@policy(policies: [[Policy!]!]!)',
} as const;
