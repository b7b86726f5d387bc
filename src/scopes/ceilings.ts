import type { KeyType } from '../store/records.js';
import { parseScope } from './grammar.js';

/**
 * The most that a key of a type may hold. A CLIENT key stands in pages and apps that anybody can read, a READ_ONLY key
 * in monitors: neither may ever administer.
 */
export function withinCeiling(type: KeyType, scope: string): boolean {
  const parsed = parseScope(scope);
  if (parsed === null) return false;
  switch (type) {
    case 'SECRET':
      return true;
    case 'CLIENT':
      return parsed.kind === 'grant';
    case 'READ_ONLY':
      return parsed.kind === 'grant' && parsed.action === 'read';
  }
}

/** The ceiling in words, for whoever went over it. */
export function ceilingInWords(type: KeyType): string {
  switch (type) {
    case 'SECRET':
      return 'every scope';
    case 'CLIENT':
      return 'scopes of the form action:resource, neither admin nor platform';
    case 'READ_ONLY':
      return 'scopes of the form read:resource';
  }
}
