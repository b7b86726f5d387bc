import { fold } from '../../../shared/text/fold.js';
import { ORDERED_BY, type KeyOrder, type KeyPosition } from '../ordering.js';
import type { KeyFilter } from '../keyStore.js';
import type { Connection, Statement } from './connection.js';
import { ALIVE, STATUS, SUMMARY, toSummary, type KeySummaryRow } from './keyRows.js';
import { SLICE, type KeySlices } from './slices.js';

/** A NULL parameter filters nothing, so that one prepared statement works for every filter. */
const FILTERED = `
  workspaceId = $workspaceId
  AND ($status IS NULL OR $status = ${STATUS})
  AND ($type IS NULL OR type = $type)
  AND ($environment IS NULL OR environment = $environment)
  AND ($projectId IS NULL OR projectId = $projectId)
  AND ($userId IS NULL OR userId = $userId)
  AND ($externalId IS NULL OR externalId = $externalId)
  AND ($nameContains IS NULL OR instr(nameFolded, $nameContains) > 0)
  AND ($scope IS NULL OR EXISTS (SELECT 1 FROM json_each(scopes) WHERE value = $scope))`;

const ORDER_INDEXES = {
  CREATED: 'keysByAge',
  NAME: 'keysByName',
  LAST_USED: 'keysByUse',
  EXPIRES: 'keysByEnd',
} as const;

/** Sorts after every ID. */
const LAST = '\u{10ffff}';

/** Reads lists of keys in slices: the number of keys that a slice reads is bounded, however few of them match. */
export function openKeySlices(connection: Connection): KeySlices {
  const prepared = preparedOnce((text) =>
    connection.prepare<KeySummaryRow & KeyPosition & { readonly total: number }>(text),
  );
  const kept = connection.prepare<{ readonly total: number }>(
    'SELECT total FROM keyCounts WHERE workspaceId = $workspaceId',
  );
  const familyAfter = connection.prepare<{ readonly familyId: string }>(
    `SELECT familyId FROM keys INDEXED BY keysUnrevoked WHERE workspaceId = $workspaceId AND revokedAt IS NULL AND familyId > $after
     ORDER BY familyId LIMIT 1 OFFSET ${SLICE - 1}`,
  );
  // A family only administers if all its active keys only administer.
  const families = connection.prepare<{ readonly all: number; readonly administer: number }>(
    `SELECT count(*) AS "all", coalesce(sum(administers), 0) AS administer FROM (
       SELECT min(administers) AS administers FROM keys INDEXED BY keysUnrevoked
       WHERE workspaceId = $workspaceId AND ${ALIVE} AND familyId > $after AND familyId <= $end
       GROUP BY familyId
     )`,
  );

  /** Returns the position where a slice of keys ends; null if it ends with the last key. */
  const endOf = (range: Range, length: number, params: KeyParams, place: PlaceParams): KeyPosition | null =>
    prepared(range.text(`${range.column} AS value, id`, '', '1 OFFSET $skipped')).one({
      ...params,
      skipped: length - 1,
      ...place,
    });

  return {
    keys({ workspaceId, filter, order, empty, after, limit, length, now }) {
      const params = keyParams(workspaceId, filter, now);
      const from = new Range(order, empty, after !== null, filter);
      const place = placeParams(after, empty);
      const end = isEmpty(filter) ? null : endOf(from, length, params, place);
      const rows = prepared(from.text(SUMMARY, `AND ${FILTERED} ${from.until(end)}`, '$limit')).all({
        ...params,
        limit,
        ...place,
        ...endParams(end, empty),
      });
      return { rows: rows.map(toSummary), next: end };
    },
    keyCount({ workspaceId, filter, after, now }) {
      if (isEmpty(filter)) return { total: kept.one({ workspaceId })?.total ?? 0, next: null };
      const params = keyParams(workspaceId, filter, now);
      const from = new Range({ field: 'CREATED', direction: 'DESC' }, false, after !== null, filter);
      const place = placeParams(after, false);
      const end = endOf(from, SLICE, params, place);
      const [row] = prepared(from.countText(`AND ${FILTERED} ${from.until(end)}`)).all({
        ...params,
        ...place,
        ...endParams(end, false),
      });
      return { total: row?.total ?? 0, next: end };
    },
    families({ workspaceId, after, now }) {
      const end = familyAfter.one({ workspaceId, after })?.familyId ?? null;
      const { all = 0, administer = 0 } = families.one({ workspaceId, after, end: end ?? LAST, now }) ?? {};
      return { all, administer, next: end };
    },
  };
}

type KeyParams = ReturnType<typeof keyParams>;

function keyParams(workspaceId: string, filter: KeyFilter, now: number) {
  return {
    workspaceId,
    now,
    status: filter.status ?? null,
    type: filter.type ?? null,
    environment: filter.environment ?? null,
    nameContains: filter.nameContains === undefined ? null : fold(filter.nameContains),
    scope: filter.scope ?? null,
    projectId: filter.projectId ?? null,
    userId: filter.userId ?? null,
    externalId: filter.externalId ?? null,
  };
}

const isEmpty = (filter: KeyFilter): boolean => Object.values(filter).every((value) => value === undefined);

interface PlaceParams {
  readonly afterId?: string;
  readonly afterValue?: string | number | null;
}

function placeParams(after: KeyPosition | null, empty: boolean): PlaceParams {
  return { ...(after !== null && { afterId: after.id, ...(!empty && { afterValue: after.value }) }) };
}

function endParams(end: KeyPosition | null, empty: boolean) {
  return { ...(end !== null && { endId: end.id, ...(!empty && { endValue: end.value }) }) };
}

/** A range of an order: keys with or without a value, from a position. */
class Range {
  readonly column: string;
  readonly #index: string;
  readonly #direction: string;
  readonly #empty: boolean;
  readonly #where: string;

  constructor({ field, direction }: KeyOrder, empty: boolean, continued: boolean, filter: KeyFilter) {
    this.column = ORDERED_BY[field];
    this.#direction = direction;
    this.#empty = empty;
    this.#index = ORDER_INDEXES[field];
    let owner = '';
    // In the default order, the keys of a user, of an external ID or of a project have a separate index.
    if (field === 'CREATED' && filter.userId !== undefined)
      [this.#index, owner] = ['keysByUser', 'userId = $userId AND'];
    else if (field === 'CREATED' && filter.externalId !== undefined) {
      [this.#index, owner] = ['keysByExternalId', 'externalId = $externalId AND'];
    } else if (field === 'CREATED' && filter.projectId !== undefined) {
      [this.#index, owner] = ['keysByProject', 'projectId = $projectId AND'];
    }
    const beyond = direction === 'ASC' ? '>' : '<';
    this.#where = `workspaceId = $workspaceId AND ${owner} ${this.#bound(beyond, continued ? 'after' : null)}`;
  }

  text(columns: string, filter: string, limit: string): string {
    const order = `ORDER BY ${this.column} ${this.#direction}, id ${this.#direction} LIMIT ${limit}`;
    return `SELECT ${columns} FROM keys INDEXED BY ${this.#index} WHERE ${this.#where} ${filter} ${order}`;
  }

  countText(filter: string): string {
    return `SELECT count(*) AS total FROM keys INDEXED BY ${this.#index} WHERE ${this.#where} ${filter}`;
  }

  /** Returns the condition that limits a slice to a position, inclusive. */
  until(end: KeyPosition | null): string {
    return end === null ? '' : `AND ${this.#bound(this.#direction === 'ASC' ? '<=' : '>=', 'end')}`;
  }

  #bound(operator: string, name: 'after' | 'end' | null): string {
    if (this.#empty) return `${this.column} IS NULL ${name === null ? '' : `AND id ${operator} $${name}Id`}`;
    const place = name === null ? '' : `AND (${this.column}, id) ${operator} ($${name}Value, $${name}Id)`;
    return `${this.column} IS NOT NULL ${place}`;
  }
}

/** Prepares each statement once, when it is first used. */
function preparedOnce<Row>(prepare: (text: string) => Statement<Row>): (text: string) => Statement<Row> {
  const known = new Map<string, Statement<Row>>();
  return (text) => {
    const statement = known.get(text) ?? prepare(text);
    known.set(text, statement);
    return statement;
  };
}
