import { parseMoment } from '../../../shared/dates/moments.js';
import type { AuditEntry, Details } from '../../../core/store/audit.js';
import { EXIT } from '../../exit.js';
import { operation } from '../../typedOperation.js';
import { checkLength } from '../../pages.js';
import { UnexpectedAnswer } from '../../unexpected.js';
import type { Api } from '../../api.js';

/** The maximum page size of the API. */
const PAGE = 100;

/** An entry as the API returns it, also the format of `--json`. */
export interface ToldEntry {
  readonly id: string;
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly subject: string;
  /** Current names; missing if they were not requested. */
  readonly subjectName?: string | null;
  readonly actorName?: string | null;
  /** Current names of the IDs in `before`, `after` and `projectId`. */
  readonly names?: readonly { readonly id: string; readonly name: string }[];
  readonly projectId: string | null;
  readonly actorKind: string;
  readonly actor: string | null;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly before: Details | null;
  readonly after: Details | null;
  readonly previousHash: string;
  readonly hash: string;
}

export interface EntryFilter {
  readonly actions?: readonly string[];
  readonly subject?: string;
  readonly actor?: string;
}

interface PageVariables {
  readonly first: number;
  readonly after: string | null;
  readonly filter: EntryFilter;
  /** Whether to read names. Hashes don't cover them. */
  readonly names: boolean;
}

const ENTRIES = operation<{ readonly auditLog: { readonly nodes: readonly ToldEntry[] } }, PageVariables>(
  `query AuditEntries($first: Int!, $after: String, $filter: AuditFilter, $names: Boolean!) {
    auditLog(first: $first, after: $after, filter: $filter) {
      nodes {
        id seq at action
        subject subjectName @include(if: $names)
        projectId actorKind
        actor actorName @include(if: $names)
        address userAgent before after
        names @include(if: $names) { id name }
        previousHash hash
      }
    }
  }`,
);

/** The newest entries, oldest first. */
export async function newest({ ask }: Pick<Api, 'ask'>, count: number, filter: EntryFilter): Promise<ToldEntry[]> {
  const entries: ToldEntry[] = [];
  let after: string | null = null;
  while (entries.length < count) {
    const first = Math.min(PAGE, count - entries.length);
    const { nodes } = (await ask(ENTRIES, { first, after, filter, names: true })).auditLog;
    checkOrder(nodes, first, entries.at(-1)?.seq ?? Infinity);
    entries.push(...nodes);
    if (nodes.length < first) break;
    after = String(entries.at(-1)?.seq);
  }
  return entries.reverse();
}

/**
 * Returns the entries after `seq` up to `seq` + 100, oldest first. The API returns pages from the newest entry
 * backwards, and a cursor is a place in the chain, so the page before `seq` + 101 has the entries after `seq`.
 */
export async function following(
  { ask }: Pick<Api, 'ask'>,
  seq: number,
  filter: EntryFilter = {},
  names = false,
): Promise<{ readonly entries: readonly ToldEntry[]; readonly until: number }> {
  const until = seq + PAGE;
  const { nodes } = (await ask(ENTRIES, { first: PAGE, after: String(until + 1), filter, names })).auditLog;
  checkOrder(nodes, PAGE, until + 1);
  return { entries: nodes.filter((entry) => entry.seq > seq).reverse(), until };
}

/**
 * The cursor of an entry is its sequence number, so the numbers must decrease from page to page.
 *
 * @throws UnexpectedAnswer
 */
function checkOrder(nodes: readonly ToldEntry[], first: number, before: number): void {
  checkLength(nodes, first);
  let last = before;
  for (const { seq } of nodes) {
    if (seq >= last) throw new UnexpectedAnswer(`repeats entry ${seq} of the audit log`, EXIT.failed);
    last = seq;
  }
}

/**
 * Returns an entry as it was hashed. The API's format loses no information: times have milliseconds, the names of actions and actors can
 * be converted back, and the workspace is known.
 */
export function asHashed(entry: ToldEntry, workspaceId: string): AuditEntry {
  const { at, action, actorKind, subjectName: _, actorName: __, names: ___, ...same } = entry;
  return {
    ...same,
    workspaceId,
    at: parseMoment(at) ?? NaN,
    action: action.toLowerCase().replace('_', '.') as AuditEntry['action'],
    actorKind: actorKind.toLowerCase() as AuditEntry['actorKind'],
  };
}
