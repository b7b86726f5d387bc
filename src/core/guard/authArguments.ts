import { parseScope } from '../scopes/grammar.js';
import { appliedDirectives, type Annotated, type Applied, type Faults } from './appliedDirectives.js';
import { AUTH } from './directives.js';
import { ARGUMENTS, type FederationDirective, type FederationNames } from './federation/federationDirectives.js';
import { and, ANY_CREDENTIAL, requirementOf, type Requirement } from './requirement.js';

/** The settings of a schema that decide how its directives are read. */
export interface Reading {
  readonly actions: ReadonlySet<string>;
  readonly federation: FederationNames;
}

/** Returns the combined requirement of every @auth on the part (B12), and of its synonyms; null if there is none. */
export function readAuth(part: Annotated, coordinate: string, reading: Reading, faults: Faults): Requirement | null {
  let requirement: Requirement | null = null;
  for (const { name, args } of appliedDirectives(part)) {
    const kind = name === AUTH ? AUTH : reading.federation.get(name);
    if (kind === undefined) continue;
    const one = readArguments(args, coordinate, { name, kind, actions: reading.actions }, faults);
    requirement = requirement === null ? one : and(requirement, one);
  }
  return requirement;
}

/** A directive that requires scopes. */
interface Guarding {
  readonly name: string;
  readonly kind: typeof AUTH | FederationDirective;
  readonly actions: ReadonlySet<string>;
}

function readArguments(
  args: Applied['args'],
  coordinate: string,
  { name, kind, actions }: Guarding,
  faults: Faults,
): Requirement {
  const fault = (text: string): Requirement => {
    faults.push(`${coordinate}: ${text}.`);
    return ANY_CREDENTIAL;
  };
  const argument = kind === AUTH ? 'scope' : ARGUMENTS[kind];
  const ways = `Write @${name}(${argument}: "a") for one scope, [["a", "b"]] for all of them, [["a"], ["b"]] for any of them`;
  if (args === null)
    return fault(
      `the arguments of @${name} in extensions.directives are not an object. Write { ${argument ?? ''}: "a" }`,
    );
  const unknown = Object.keys(args).find((one) => one !== argument);
  if (unknown !== undefined) {
    const known = argument === null ? 'It has no arguments' : `Its only argument is "${argument}"`;
    return fault(`@${name} has no argument "${unknown}". ${known}`);
  }
  if (argument === null || (kind === AUTH && !(argument in args))) return ANY_CREDENTIAL;

  const value = args[argument];
  // B08: a null is probably a mistake, and must not open the field.
  if (value === null || value === undefined) {
    const remedy = kind === AUTH ? 'Omit the argument to accept any valid key' : ways;
    return fault(`@${name}(${argument}: null) is not allowed. ${remedy}`);
  }
  if (typeof value === 'string') return checked([[value]]);
  // B09: an empty list would require nothing.
  if (!Array.isArray(value) || value.length === 0) return fault(`@${name}(${argument}:) has no scopes. ${ways}`);
  const items: readonly unknown[] = value;
  if (items.every((item) => typeof item === 'string')) {
    // B10: GraphQL reads ["a", "b"] as any of them, but the author may mean all of them.
    return items.length === 1
      ? checked([items])
      : fault(`@${name}(${argument}:) with a flat list of several scopes is ambiguous. ${ways}`);
  }
  const lists = items.map((item) => (Array.isArray(item) ? (item as readonly unknown[]) : []));
  const strings = lists.map((list) => list.filter((item) => typeof item === 'string'));
  if (strings.some((list, i) => list.length === 0 || list.length !== lists[i]?.length)) {
    return fault(`@${name}(${argument}:) has an empty or invalid list. ${ways}`);
  }
  return checked(strings);

  function checked(anyOf: readonly (readonly string[])[]): Requirement {
    for (const text of anyOf.flat()) {
      const scope = parseScope(text);
      if (scope === null) {
        return fault(
          kind === 'policy'
            ? `the policy "${text}" can't be checked, because Latchkey reads it as a scope. Use action:resource, admin or platform`
            : `"${text}" is not a valid scope. Use action:resource, admin or platform`,
        );
      }
      if (scope.kind === 'grant' && !actions.has(scope.action)) {
        return fault(
          `the scope "${text}" has the unknown action "${scope.action}". Known actions: ${[...actions].join(', ')}. The option "actions" adds others`,
        );
      }
    }
    return requirementOf(anyOf);
  }
}
