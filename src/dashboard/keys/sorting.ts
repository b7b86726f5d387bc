import type { KeyRowFragment } from '../generated/graphql.js';

/** The columns of the list of keys. */
export const COLUMNS = {
  name: 'Name',
  type: 'Type',
  scopes: 'Scopes',
  project: 'Project',
  lastUsed: 'Last used',
  expires: 'Expires',
  status: 'Status',
} as const;

export type Column = keyof typeof COLUMNS;

export interface Sorting {
  readonly column: Column;
  readonly descending: boolean;
}

export function isColumn(text: string): text is Column {
  return Object.hasOwn(COLUMNS, text);
}

/** The keys in another order. Those without a value in the column come last either way. */
export function sorted(keys: readonly KeyRowFragment[], sorting: Sorting | null): readonly KeyRowFragment[] {
  if (sorting === null) return keys;
  const { column, descending } = sorting;
  const sign = descending ? -1 : 1;
  return keys.toSorted((a, b) => {
    const [one, other] = [valueOf(a, column), valueOf(b, column)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return sign * compare(one, other);
  });
}

function compare(one: string | number, other: string | number): number {
  return typeof one === 'number' && typeof other === 'number'
    ? one - other
    : String(one).localeCompare(String(other), 'en', { numeric: true, sensitivity: 'base' });
}

function valueOf(key: KeyRowFragment, column: Column): string | number | null {
  switch (column) {
    case 'name':
      return key.name;
    case 'type':
      return `${key.type} ${key.environment}`;
    case 'scopes':
      return key.scopes.length;
    case 'project':
      return key.project?.name ?? null;
    case 'lastUsed':
      return momentOf(key.lastUsedAt);
    case 'expires':
      return momentOf(key.expiresAt);
    case 'status':
      return key.status;
  }
}

function momentOf(at: string | null): number | null {
  return at === null ? null : Date.parse(at);
}
