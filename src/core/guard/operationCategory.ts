import { OperationTypeNode } from 'graphql';
import type { Category } from '../limits/category.js';
import { ADMIN, parseScope, PLATFORM } from '../scopes/grammar.js';
import type { Requirement } from './requirement.js';
import type { Rule } from './rules.js';

/**
 * Returns the category of an operation for its rate limits. It is `admin` if a rule requires `admin` or `platform`,
 * `write` for a mutation or if a rule requires an action other than `read`, and otherwise `read`. It depends on the
 * operation, not on the caller: an admin key that reads is counted as `read`.
 */
export function categoryOf(operation: OperationTypeNode, rules: readonly Rule[]): Category {
  if (rules.some(({ requirement }) => needs(requirement, isAdministrative))) return 'admin';
  if (operation === OperationTypeNode.MUTATION) return 'write';
  return rules.some(({ requirement }) => needs(requirement, isMoreThanReading)) ? 'write' : 'read';
}

/** Returns whether every alternative requires such a scope. */
function needs({ anyOf }: Requirement, such: (scope: string) => boolean): boolean {
  return anyOf.every((allOf) => allOf.some(({ text }) => such(text)));
}

function isAdministrative(scope: string): boolean {
  return scope === ADMIN || scope === PLATFORM;
}

function isMoreThanReading(scope: string): boolean {
  const parsed = parseScope(scope);
  return parsed?.kind !== 'grant' || parsed.action !== 'read';
}
