import type { LatchkeyContext, Principal } from '../credentials/principal.js';
import { unauthenticated } from '../credentials/authenticator.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { isMet, lacking, scopesOf, type Requirement } from './requirement.js';
import type { Rule } from './rules.js';

/** Does the principal meet the rule? Nobody meets none. */
export function meets(principal: Principal, { requirement }: Rule): boolean {
  return principal.kind !== 'anonymous' && isMet(requirement, principal.scopes);
}

/**
 * The latest yes. The fields of an operation ask one after the other, for one principal and mostly for one requirement,
 * which all rules that say the same share.
 */
let passed: Principal | null = null;
let passedRequirement: Requirement | null = null;

/** Lets a field be resolved. @throws Refusal */
export function enforce(rule: Rule, context: unknown): void {
  const given = (context as Partial<LatchkeyContext> | null | undefined)?.principal;
  if (given !== undefined && given === passed && rule.requirement === passedRequirement) return;
  const principal = principalIn(context);
  if (!meets(principal, rule)) throw decide([rule], principal) ?? unavailable('The request could not be judged.', 1);
  // What can still be changed has to be asked anew.
  if (!Object.isFrozen(principal) || !Object.isFrozen(principal.scopes)) return;
  passed = principal;
  passedRequirement = rule.requirement;
}

/**
 * Judges a principal against rules: null where all are met, else one refusal that names every missing scope.
 * Without a credential it is 401, for nothing about scopes can be said to nobody.
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
    // Rules that say the same share their requirement, and mostly follow each other.
    if (rule.requirement === met) continue;
    if (!meets(principal, rule)) return false;
    met = rule.requirement;
  }
  return true;
}

/** As many places as an answer names; the missing scopes are all there. */
const MAX_PLACES = 20;

function forbidden(missing: readonly string[], rules: readonly Rule[]): Refusal {
  const scopes = missing.join(' and ');
  const [first] = rules;
  const others = rules.length > 1 ? ` and ${rules.length - 1} more` : '';
  return new Refusal(
    `This key lacks ${scopes}, required by ${first?.coordinate ?? 'the operation'}${others}. Use a key that holds it, or have an administrator add it with updateApiKey.`,
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
 * The principal of a GraphQL context.
 * @throws Refusal UNAVAILABLE where there is none: the context builder is not in place, and a guard that cannot tell who
 * is asking lets nobody in (B31)
 */
export function principalIn(context: unknown): Principal {
  const principal = (context as Partial<LatchkeyContext> | null | undefined)?.principal;
  if (!isPrincipal(principal)) {
    throw unavailable('The server cannot tell who is asking: its context holds no principal.', 5);
  }
  return principal;
}

/** A context is whatever the server's owner wrote: it may hold no principal, or something else under that name. */
export function isPrincipal(value: Principal | null | undefined): value is Principal {
  return value != null && KINDS.has(value.kind) && Array.isArray(value.scopes);
}

const KINDS: ReadonlySet<unknown> = new Set<Principal['kind']>(['anonymous', 'key', 'configured', 'oidc', 'operator']);
