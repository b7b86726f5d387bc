import { isAbsent } from './cells.js';
import { normalise } from '../../shared/text/characters.js';
import type { Mapping } from './mapping.js';
import { repeatedName } from './repeated.js';

/** Returns the names of the scopes in a cell, in NFC; null if the cell can't be read. */
export function foreignScopes(cell: unknown): readonly string[] | null {
  const names = namesIn(cell);
  return names && [...new Set(names.map(normalise))];
}

function namesIn(cell: unknown): readonly string[] | null {
  if (isAbsent(cell)) return [];
  if (typeof cell === 'string') return fromText(cell.trim());
  if (Array.isArray(cell)) return cell.every((item) => typeof item === 'string') ? [...new Set(cell)] : null;
  return typeof cell === 'object' ? fromPermissions(Object.entries(cell)) : null;
}

/**
 * Converts scopes of the other system. `unknown`: scopes that the mapping does not contain. They are reported as a problem instead of being
 * guessed.
 */
export function mapScopes(
  theirs: readonly string[],
  { scopes, defaultScopes }: Pick<Mapping, 'scopes' | 'defaultScopes'>,
): { readonly scopes: readonly string[]; readonly unknown: readonly string[] } {
  if (theirs.length === 0) return { scopes: defaultScopes, unknown: [] };
  return {
    scopes: [...new Set(theirs.flatMap((name) => scopes.get(name) ?? []))],
    unknown: theirs.filter((name) => !scopes.has(name)),
  };
}

function fromText(text: string): readonly string[] | null {
  if (!/^[[{"]/.test(text) && text !== 'null') return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))];
  try {
    const value: unknown = JSON.parse(text);
    return repeatedName(text) === null ? namesIn(value) : null;
  } catch {
    return null;
  }
}

/** Returns the names of permissions as better-auth stores them: `{ files: ["read"] }` is `files:read`. */
function fromPermissions(entries: readonly (readonly [string, unknown])[]): readonly string[] | null {
  const names: string[] = [];
  for (const [resource, actions] of entries) {
    if (!Array.isArray(actions) || !actions.every((action) => typeof action === 'string')) return null;
    names.push(...actions.map((action) => `${resource}:${action}`));
  }
  return [...new Set(names)];
}
