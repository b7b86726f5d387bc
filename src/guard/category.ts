import { OperationTypeNode } from 'graphql';
import type { Category } from '../limits/category.js';
import { ADMIN, parseScope, PLATFORM } from '../scopes/grammar.js';
import type { Requirement } from './requirement.js';
import type { Rule } from './rules.js';

/**
 * What an operation does, by which limits may tell operations apart: `admin` where a rule that it meets can be satisfied
 * by nothing less than `admin` or `platform`; else `write` for a mutation, and where a rule needs an action other than
 * `read`; else `read`, subscriptions included. By what is asked for and never by who asks: an admin key that reads, reads.
 */
export function categoryOf(operation: OperationTypeNode, rules: readonly Rule[]): Category {
  if (rules.some(({ requirement }) => needs(requirement, isAdministrative))) return 'admin';
  if (operation === OperationTypeNode.MUTATION) return 'write';
  return rules.some(({ requirement }) => needs(requirement, isMoreThanReading)) ? 'write' : 'read';
}

/** Is such a scope in each alternative, so that none goes without? */
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
