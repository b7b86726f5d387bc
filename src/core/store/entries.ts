import { createHash } from 'node:crypto';
import {
  details,
  difference,
  draftEntry,
  SYSTEM,
  type AuditAction,
  type AuditDraft,
  type Author,
  type Occasion,
} from './audit.js';
import { AUDITED_FIELDS } from './keyFields.js';
import type { CreditAddition } from './quotaStore.js';
import {
  isEmpty,
  isForeign,
  type KeyRecord,
  type LimitOverride,
  type ProjectRecord,
  type UserRecord,
  type WorkspaceRecord,
} from './records.js';

/** The fields of a user that audit entries contain. They contain no secrets. */
const USER_SHOWN = ['name', 'roles', 'externalId', 'removedAt'] as const satisfies readonly (keyof UserRecord)[];

export function keyCreated(key: KeyRecord, occasion: Occasion): AuditDraft {
  const action = isForeign(key) ? 'key.imported' : 'key.created';
  return entryOf(action, { ...placeOf(key), before: null, after: details(shownOf(key), AUDITED_FIELDS) }, occasion);
}

export function keyChanged(action: AuditAction, before: KeyRecord, after: KeyRecord, occasion: Occasion): AuditDraft {
  // Most changes keep the list, and a digest of it takes longer than the rest of the entry.
  const shown = before.trustedDocuments === after.trustedDocuments ? withoutDocuments : shownOf;
  const changed = difference(shown(before), shown(after), AUDITED_FIELDS);
  return entryOf(action, { ...placeOf(after), ...changed }, occasion);
}

export function workspaceCreated(
  { id, name, tier, createdAt }: WorkspaceRecord,
  firstKeyId: string | null,
  author: Author | undefined,
): AuditDraft {
  const after = { name, tier, ...(firstKeyId !== null && { firstKey: firstKeyId }) };
  const subject = { workspaceId: id, projectId: null, id, before: null, after };
  return entryOf('workspace.created', subject, { at: createdAt, author });
}

export function tierChanged(before: WorkspaceRecord, after: WorkspaceRecord, occasion: Occasion): AuditDraft {
  const { id } = after;
  const changed = { before: { tier: before.tier }, after: { tier: after.tier } };
  return entryOf('workspace.tier_changed', { workspaceId: id, projectId: null, id, ...changed }, occasion);
}

export function projectCreated(project: ProjectRecord, author: Author | undefined): AuditDraft {
  const { id, name, createdAt: at } = project;
  return entryOf('project.created', { ...inProject(project), id, before: null, after: { name } }, { at, author });
}

export function projectRenamed(before: ProjectRecord, after: ProjectRecord, occasion: Occasion): AuditDraft {
  const changed = difference(before, after, ['name']);
  return entryOf('project.renamed', { ...inProject(after), id: after.id, ...changed }, occasion);
}

export function userAdded(user: UserRecord, author: Author | undefined): AuditDraft {
  const { id, workspaceId, createdAt: at } = user;
  const after = details(user, USER_SHOWN);
  return entryOf('user.added', { workspaceId, projectId: null, id, before: null, after }, { at, author });
}

export function userChanged(before: UserRecord, after: UserRecord, occasion: Occasion): AuditDraft {
  const { id, workspaceId } = after;
  const action = before.removedAt === after.removedAt ? 'user.updated' : 'user.removed';
  const changed = difference(before, after, USER_SHOWN);
  return entryOf(action, { workspaceId, projectId: null, id, ...changed }, occasion);
}

/** @param before the balance before, without units that processes have leased */
export function creditsAdded(
  { workspaceId, subject, amount, key, at }: CreditAddition,
  [before, after]: readonly [before: number, after: number],
  author: Author | undefined,
): AuditDraft {
  const changed = { before: { balance: before }, after: { balance: after, amount, key } };
  return entryOf('credits.added', { workspaceId, projectId: null, id: subject, ...changed }, { at, author });
}

const OVERRIDE_SHOWN = [
  'rate',
  'burst',
  'quotas',
  'until',
  'reason',
] as const satisfies readonly (keyof LimitOverride)[];

/** @param before null if there was no override. `after` can be empty, which removes it */
export function limitsChanged(
  before: LimitOverride | null,
  after: LimitOverride,
  { subject: id, projectId, ...occasion }: Occasion & { readonly subject: string; readonly projectId: string | null },
): AuditDraft {
  const { workspaceId, kind, subjectId } = after;
  const shown = (override: LimitOverride) => ({ kind, subjectId, ...details(override, OVERRIDE_SHOWN) });
  const isRemoved = isEmpty(after);
  return entryOf(
    isRemoved ? 'limits.removed' : 'limits.set',
    { workspaceId, projectId, id, before: before && shown(before), after: isRemoved ? null : shown(after) },
    occasion,
  );
}

/** The changed object, where it is, and its fields before and after the change. */
interface Subject extends Pick<KeyRecord, 'workspaceId' | 'projectId'>, Pick<AuditDraft, 'before' | 'after'> {
  readonly id: string;
}

function entryOf(action: AuditAction, subject: Subject, { at, author = SYSTEM }: Occasion): AuditDraft {
  const { workspaceId, projectId, id, before, after } = subject;
  return draftEntry({ workspaceId, projectId, at, action, subject: id, before, after }, author);
}

function placeOf({ workspaceId, projectId, id }: KeyRecord): Pick<KeyRecord, 'workspaceId' | 'projectId' | 'id'> {
  return { workspaceId, projectId, id };
}

function inProject({ workspaceId, id }: ProjectRecord): Pick<KeyRecord, 'workspaceId' | 'projectId'> {
  return { workspaceId, projectId: id };
}

function withoutDocuments(key: KeyRecord): KeyRecord {
  return { ...key, trustedDocuments: null };
}

/** Replaces a list of trusted documents by its hash: an entry must stay small, but still show that the list changed. */
function shownOf(key: KeyRecord): KeyRecord {
  if (key.trustedDocuments === null) return key;
  const digest = createHash('sha256').update(key.trustedDocuments.toSorted().join('\n')).digest('hex');
  return { ...key, trustedDocuments: [`${key.trustedDocuments.length} documents, sha256 ${digest}`] };
}
