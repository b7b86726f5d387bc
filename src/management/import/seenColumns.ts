import type { Mapping } from './mapping.js';
import type { Column } from './presets.js';

/** Columns that restrict a key. If the name of one is misspelled, keys would have more permissions or never expire. */
const NARROWING = ['scopes', 'enabled', 'revoked', 'expires', 'uses'] as const satisfies readonly Column[];

/** The maximum number of column names. An input with more is not a table. */
const MAX_SEEN = 1_000;

/** Compares the columns of an input with those in the mapping. */
export class SeenColumns {
  readonly #seen = new Set<string>();

  see(names: Iterable<string>): void {
    for (const name of names) if (this.#seen.size < MAX_SEEN) this.#seen.add(name);
  }

  /** Returns problems with a mapping that could give keys more permissions than they had. */
  problems({ columns, ignore }: Pick<Mapping, 'columns' | 'ignore'>): string[] {
    const missing = NARROWING.flatMap((column) => {
      const names = columns[column];
      if (names === null || names.some((name) => this.#seen.has(name))) return [];
      const named = names.map((name) => JSON.stringify(name)).join(' or ');
      return `No row has the column ${named}. Set columns.${column} to its column, or to null if there is none.`;
    });
    const mapped = new Set(Object.values(columns).flatMap((names) => names ?? []));
    const unmapped = [...this.#seen].filter((name) => !mapped.has(name) && !ignore.has(name)).sort();
    if (unmapped.length === 0) return missing;
    const shown = unmapped.slice(0, 20).map((name) => JSON.stringify(name.slice(0, 100)));
    return [
      ...missing,
      `The mapping doesn't mention these columns: ${shown.join(', ')}. Map them, or list them under ignore if they don't restrict a key.`,
    ];
  }
}
