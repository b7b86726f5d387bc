import type { LatchkeyContext, Principal } from '../auth/principal.js';
import { unauthenticated } from '../auth/authenticator.js';
import { Refusal, unavailable } from '../errors/refusal.js';
import { isMet, lacking, scopesOf, type Requirement } from './requirement.js';
import type { Rule } from './rules.js';

/** Returns whether a principal meets a rule. An anonymous principal meets no rule. */
export function meets(principal: Principal, { requirement }: Rule): boolean {
  return principal.kind !== 'anonymous' && isMet(requirement, principal.scopes);
}

/**
 * The last check that succeeded. The fields of an operation are usually checked in a row for the same principal and the
 * same requirement, which equal rules share.
 */
let passed: Principal | null = null;
let passedRequirement: Requirement | null = null;

/**
 * Checks that a field may be resolved.
 *
 * @returns the principal, which will always meet the rule; null if it can still change, so that it must be checked again
 * @throws {@link Refusal}
 */
export function enforce(rule: Rule, context: unknown): Principal | null {
  const given = (context as Partial<LatchkeyContext> | null | undefined)?.principal;
  if (given !== undefined && given === passed && rule.requirement === passedRequirement) return given;
  const principal = principalIn(context);
  if (!meets(principal, rule))
    throw decide([rule], principal) ?? unavailable('The request could not be checked. Try again in 1 s.', 1);
  if (!Object.isFrozen(principal) || !Object.isFrozen(principal.scopes)) return null;
  passed = principal;
  passedRequirement = rule.requirement;
  return principal;
}

/**
 * Returns one refusal that names every missing scope, or null if all rules are met. For an anonymous caller it is
 * UNAUTHENTICATED.
 */
export function decide(rules: readonly Rule[], principal: Principal): Refusal | null {
  if (allMet(rules, principal)) return null;
  const refused = rules.filter((rule) => !meets(principal, rule));
  if (principal.kind === 'anonymous') return unauthenticated('missing');
  const missing = new Set(refused.flatMap(({ requirement }) => lacking(requirement, principal.scopes)));
  return forbidden([...missing].sort(), refused);
}

function allMet(rules: readonly Rule[], principal: Principal): boolean {
  let met: Requirement | null = null;
  for (const rule of rules) {
    // Equal rules share their requirement and usually follow each other.
    if (rule.requirement === met) continue;
    if (!meets(principal, rule)) return false;
    met = rule.requirement;
  }
  return true;
}

/** The number of fields in a refusal. The missing scopes are always complete. */
const MAX_PLACES = 20;

/** Returns the remedy for missing scopes. Only an operator can grant `platform`, so an administrator can't add it. */
function remedyFor(missing: readonly string[]): string {
  if (missing.includes('platform'))
    return "Use the operator's key, ADMIN_API_KEY, or another key with the scope platform.";
  return 'Use a key that has it, or ask an administrator to add it with updateApiKey.';
}

function forbidden(missing: readonly string[], rules: readonly Rule[]): Refusal {
  const scopes = missing.join(' and ');
  const [first] = rules;
  const others = rules.length > 1 ? ` and ${rules.length - 1} more` : '';
  return new Refusal(
    `This key lacks ${scopes}, required by ${first?.coordinate ?? 'the operation'}${others}. ${remedyFor(missing)}`,
    {
      code: 'FORBIDDEN',
      missing,
      fields: rules
        .slice(0, MAX_PLACES)
        .map(({ coordinate, requirement }) => ({ coordinate, requires: scopesOf(requirement) })),
    },
  );
}

/**
 * Returns the principal of a GraphQL context.
 *
 * @throws {@link Refusal} UNAVAILABLE if there is none because the context function of Latchkey is not in use. Without
 *   a principal the guard must not let the request pass (B31).
 */
export function principalIn(context: unknown): Principal {
  const principal = (context as Partial<LatchkeyContext> | null | undefined)?.principal;
  if (!isPrincipal(principal)) {
    throw unavailable(NO_PRINCIPAL, 5);
  }
  return principal;
}

const NO_PRINCIPAL =
  "The server can't authenticate the request, because its GraphQL context has no principal. In the server's code, pass latchkey.context as the context function, or call it in your own: context: async (source) => ({ ...(await latchkey.context(source)), … }).";

/** Returns whether a value is a principal. The context function is the server owner's, so it may contain anything. */
export function isPrincipal(value: Principal | null | undefined): value is Principal {
  return value != null && KINDS.has(value.kind) && Array.isArray(value.scopes);
}

const KINDS: ReadonlySet<unknown> = new Set<Principal['kind']>(['anonymous', 'key', 'configured', 'oidc', 'operator']);
