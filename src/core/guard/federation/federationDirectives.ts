import type { GraphQLDirective } from 'graphql';
import type { Applied, Faults } from '../appliedDirectives.js';
import { AUTH, PUBLIC } from '../directives.js';
import { linkedNames } from './linkedNames.js';

/** The directives of the Apollo Federation specification that are read like @auth. */
export type FederationDirective = keyof typeof ARGUMENTS;

/** Their only argument; null if none. */
export const ARGUMENTS = { authenticated: null, requiresScopes: 'scopes', policy: 'policies' } as const;

const KINDS = Object.keys(ARGUMENTS) as FederationDirective[];

/** The names that these directives have in a schema. */
export type FederationNames = ReadonlyMap<string, FederationDirective>;

/** A subgraph links to `federation`; a supergraph also links to the specification of each directive. */
const SPECIFICATION = /\/(federation|authenticated|requiresScopes|policy)\/v\d+(?:\.\d+)*\/?$/;

/**
 * Returns the names of the federation directives in a schema: their own names, those with the prefix of their `@link`, such as
 * `@federation__requiresScopes`, and those that the `@link` imports them as.
 *
 * @param ofSchema the directives of the schema itself
 */
export function federationNames(ofSchema: readonly Applied[], faults: Faults): FederationNames {
  const names = linkedNames(ofSchema, { kinds: KINDS, specification: SPECIFICATION });
  for (const name of [AUTH, PUBLIC]) {
    if (!names.has(name)) continue;
    faults.push(`schema: @link imports a directive as @${name}, which is a directive of Latchkey. Use another name.`);
  }
  return names;
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
