import { fold } from '../../../shared/text/fold.js';
import { shown } from '../../../shared/optionChecks.js';
import type { KeyClues, KeyFilter } from '../keyStore.js';
import { ORDERED_BY, type KeyOrder, type KeyPosition } from '../ordering.js';
import { FOREIGN, type KeyStatus } from '../records.js';
import { eq, where, type Condition, type Filter } from './documents.js';
import { FOREIGN_END } from './schemas.js';

export function byId(id: string, workspaceId: string | null): Filter {
  return { _id: eq(id), removed: eq(null), ...(workspaceId !== null && { workspaceId: eq(workspaceId) }) };
}

export function byIds(ids: readonly string[], workspaceId: string | null): Filter {
  return {
    _id: where({ $in: [...ids] }),
    removed: eq(null),
    ...(workspaceId !== null && { workspaceId: eq(workspaceId) }),
  };
}

/**
 * Matches keys after a position in one range of an order. Comparisons match only values of the operand's type, so never
 * null. The first condition bounds the index; the second excludes keys with the same value that come before.
 */
export function inRange({ field, direction }: KeyOrder, range: 'valued' | 'empty', after: KeyPosition | null): Filter {
  const column = ORDERED_BY[field];
  const beyond = direction === 'ASC' ? '$gt' : '$lt';
  if (range === 'empty') {
    return { [column]: eq(null), ...(after !== null && { _id: where({ [beyond]: after.id }) }) };
  }
  if (after === null) return { [column]: where({ $gte: field === 'NAME' ? '' : -Number.MAX_SAFE_INTEGER }) };
  const { value, id } = after;
  return {
    [column]: where({ [`${beyond}e`]: value }),
    $or: where([{ [column]: where({ [beyond]: value }) }, { _id: where({ [beyond]: id }) }]),
  };
}

export function cluesOf({ lookupIds, beginning, foreignPrefix }: KeyClues): Filter[] {
  return [
    ...(lookupIds.length === 0 ? [] : [{ lookupId: where({ $in: [...lookupIds] }) }]),
    // `z` is the last character that occurs in lookup IDs, and `{` follows it.
    ...(beginning === null ? [] : [{ lookupId: where({ $gte: beginning, $lt: `${beginning}{` }) }]),
    ...(foreignPrefix === null
      ? []
      : [{ tokenPrefix: eq(foreignPrefix), lookupId: where({ $gte: FOREIGN, $lt: FOREIGN_END }) }]),
  ];
}

export function conditions(filter: KeyFilter, now: number): Filter[] {
  const { status, type, environment, nameContains, scope, projectId, userId, externalId } = filter;
  return [
    ...(status === undefined ? [] : [ofStatus(status, now)]),
    ...(type === undefined ? [] : [{ type: eq(type) }]),
    ...(environment === undefined ? [] : [{ environment: eq(environment) }]),
    ...(scope === undefined ? [] : [{ scopes: eq(scope) }]),
    ...(projectId === undefined ? [] : [{ projectId: eq(projectId) }]),
    ...(userId === undefined ? [] : [{ userId: eq(userId) }]),
    ...(externalId === undefined ? [] : [{ externalId: eq(externalId) }]),
    ...(nameContains === undefined ? [] : [{ $expr: contains('$nameFolded', fold(nameContains)) }]),
  ];
}

/** Matches literal text instead of a pattern, so nothing must be escaped, and a caller can't make it slow. */
function contains(field: string, part: string): Condition {
  return where({ $gte: [{ $indexOfCP: [field, { $literal: part }] }, 0] });
}

/** statusOf of records.ts, for queries. */
function ofStatus(status: KeyStatus, now: number): Filter {
  switch (status) {
    case 'REVOKED':
      return { revokedAt: where({ $ne: null }) };
    case 'EXPIRED':
      return { revokedAt: eq(null), expiresAt: where({ $lte: now }) };
    case 'ACTIVE':
      return { revokedAt: eq(null), $or: where([{ expiresAt: eq(null) }, { expiresAt: where({ $gt: now }) }]) };
    // An empty filter would match every key.
    default:
      throw new TypeError(`There is no key status ${shown(status)}.`);
  }
}
