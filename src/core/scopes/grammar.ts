/**
 * The scope grammar. A scope is `action:resource` (`read:assets`) or one of two words: `admin` (everything in the
 * workspace) and `platform` (workspaces and tiers, and admin in every workspace). The resource `all` means every
 * resource of the action.
 */

export const ADMIN = 'admin';
export const PLATFORM = 'platform';

/** The actions that a schema can use without declaring them. */
export const DEFAULT_ACTIONS: readonly string[] = ['read', 'write'];

const ACTION_AND_RESOURCE = /^([a-z][a-z0-9-]{0,31}):([a-z][a-z0-9._-]{0,63})$/;

type Scope =
  | { readonly kind: 'word'; readonly text: typeof ADMIN | typeof PLATFORM }
  | { readonly kind: 'grant'; readonly text: string; readonly action: string; readonly resource: string };

/** Parses a scope, which is case-sensitive. Returns null if it is invalid. */
export function parseScope(text: string): Scope | null {
  if (text === ADMIN || text === PLATFORM) return { kind: 'word', text };
  const match = ACTION_AND_RESOURCE.exec(text);
  const [, action, resource] = match ?? [];
  return action === undefined || resource === undefined ? null : { kind: 'grant', text, action, resource };
}

/** A required scope, with the scopes that include it computed in advance. */
export interface RequiredScope {
  readonly text: string;
  /** All scopes that grant it, including itself. */
  readonly grantedBy: readonly string[];
}

/**
 * Parses a required scope.
 *
 * @throws TypeError if the scope is invalid
 */
export function requireScope(text: string): RequiredScope {
  const scope = parseScope(text);
  if (scope === null) throw new TypeError(`"${text}" is not a valid scope.`);
  if (scope.text === PLATFORM) return { text, grantedBy: [PLATFORM] };
  const grantedBy = [text, ADMIN, PLATFORM];
  if (scope.kind === 'grant' && scope.resource !== 'all') grantedBy.push(`${scope.action}:all`);
  return { text, grantedBy: [...new Set(grantedBy)] };
}

/** Returns whether a list of scopes grants the required one. */
export function grants(held: readonly string[], required: RequiredScope): boolean {
  for (const scope of required.grantedBy) if (held.includes(scope)) return true;
  return false;
}

/** Returns the scopes in `wanted` that `held` does not grant. */
export function missingOf(held: readonly string[], wanted: readonly string[]): string[] {
  return wanted.filter((scope) => !grants(held, requireScope(scope)));
}
