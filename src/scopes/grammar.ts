/**
 * The scope grammar: `action:resource` (`read:assets`), where the resource `all` covers every resource of that action,
 * and the two words `admin` (everything in the workspace) and `platform` (workspaces and tiers, and admin everywhere).
 */

export const ADMIN = 'admin';
export const PLATFORM = 'platform';

/** Actions that a schema may name without declaring them. */
export const DEFAULT_ACTIONS: readonly string[] = ['read', 'write'];

const ACTION_AND_RESOURCE = /^([a-z][a-z0-9-]{0,31}):([a-z][a-z0-9._-]{0,63})$/;

export type Scope =
  | { readonly kind: 'word'; readonly text: typeof ADMIN | typeof PLATFORM }
  | { readonly kind: 'grant'; readonly text: string; readonly action: string; readonly resource: string };

/** @returns null where the text is no scope: exact and case-sensitive. */
export function parseScope(text: string): Scope | null {
  if (text === ADMIN || text === PLATFORM) return { kind: 'word', text };
  const match = ACTION_AND_RESOURCE.exec(text);
  const [, action, resource] = match ?? [];
  return action === undefined || resource === undefined ? null : { kind: 'grant', text, action, resource };
}

/** A scope that something requires, with the scopes that imply it worked out beforehand. */
export interface RequiredScope {
  readonly text: string;
  /** Every scope that grants it, itself included. */
  readonly grantedBy: readonly string[];
}

/** @throws TypeError where the text is no scope */
export function requireScope(text: string): RequiredScope {
  const scope = parseScope(text);
  if (scope === null) throw new TypeError(`"${text}" is no scope.`);
  if (scope.text === PLATFORM) return { text, grantedBy: [PLATFORM] };
  const grantedBy = [text, ADMIN, PLATFORM];
  if (scope.kind === 'grant' && scope.resource !== 'all') grantedBy.push(`${scope.action}:all`);
  return { text, grantedBy: [...new Set(grantedBy)] };
}

/** Do the scopes held grant the one required? */
export function grants(held: readonly string[], required: RequiredScope): boolean {
  for (const scope of required.grantedBy) if (held.includes(scope)) return true;
  return false;
}

/** Those of `wanted` that `held` does not grant. */
export function missingOf(held: readonly string[], wanted: readonly string[]): string[] {
  return wanted.filter((scope) => !grants(held, requireScope(scope)));
}
