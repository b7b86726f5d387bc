import type { ApiKeyOrder, ApiKeyOrderField } from '../generated/graphql.js';

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

/** The server stores uses every five seconds. */
export const LAST_USED_DELAY = 'up to 5 seconds behind';

/** The columns that the API can sort by, with the names of both orders. */
const ORDERS = {
  name: { field: 'NAME', ascending: 'Name, A to Z', descending: 'Name, Z to A' },
  lastUsed: { field: 'LAST_USED', ascending: 'Last used, oldest first', descending: 'Last used, newest first' },
  expires: { field: 'EXPIRES', ascending: 'Expires, earliest first', descending: 'Expires, latest first' },
} as const satisfies Partial<Record<Column, Order>>;

interface Order {
  readonly field: ApiKeyOrderField;
  readonly ascending: string;
  readonly descending: string;
}

export type OrderedColumn = keyof typeof ORDERS;

export interface Sorting {
  readonly column: OrderedColumn;
  readonly descending: boolean;
}

export function isOrdered(column: string): column is OrderedColumn {
  return Object.hasOwn(ORDERS, column);
}

/** Returns the order for the API; null for its default, newest first. */
export function orderOf(sorting: Sorting | null): ApiKeyOrder | null {
  if (sorting === null) return null;
  return { field: ORDERS[sorting.column].field, direction: sorting.descending ? 'DESC' : 'ASC' };
}

/** Returns an order as it is written in the URL: `name descending`; null means newest first. */
export function wordsOf(sorting: Sorting | null): string | null {
  return sorting === null ? null : `${sorting.column} ${sorting.descending ? 'descending' : 'ascending'}`;
}

/** Every order, for a select. Its values are those of {@link wordsOf}. */
export const SORTINGS: readonly { readonly value: string; readonly label: string }[] = [
  { value: '', label: 'Newest first' },
  ...Object.entries(ORDERS).flatMap(([column, { ascending, descending }]) => [
    { value: `${column} ascending`, label: ascending },
    { value: `${column} descending`, label: descending },
  ]),
];
