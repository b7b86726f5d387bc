import { createHash } from 'node:crypto';
import { details, difference, draftEntry, SYSTEM, type AuditAction, type AuditDraft, type Author } from './audit.js';
import { AUDITED_FIELDS } from './keyFields.js';
import { isForeign, type KeyRecord, type ProjectRecord, type UserRecord, type WorkspaceRecord } from './records.js';

/** The fields of a user that audit entries contain. They contain no secrets. */
const USER_SHOWN = ['name', 'roles', 'removedAt'] as const satisfies readonly (keyof UserRecord)[];

/** The time and author of a change. */
export interface Occasion {
  /** ms since the epoch. */
  readonly at: number;
  readonly author: Author | undefined;
}

export function keyCreated(key: KeyRecord, occasion: Occasion): AuditDraft {
  const action = isForeign(key) ? 'key.imported' : 'key.created';
  return entryOf(action, key, key.id, occasion, null, details(shownOf(key), AUDITED_FIELDS));
}

export function keyChanged(action: AuditAction, before: KeyRecord, after: KeyRecord, occasion: Occasion): AuditDraft {
  // Most changes keep the list, and a digest of it takes longer than the rest of the entry.
  const shown = before.trustedDocuments === after.trustedDocuments ? withoutDocuments : shownOf;
  const changed = difference(shown(before), shown(after), AUDITED_FIELDS);
  return entryOf(action, after, after.id, occasion, changed.before, changed.after);
}

export function workspaceCreated(
  { id, name, tier, createdAt }: WorkspaceRecord,
  firstKeyId: string | null,
  author: Author | undefined,
): AuditDraft {
  const after = { name, tier, ...(firstKeyId !== null && { firstKey: firstKeyId }) };
  return entryOf('workspace.created', { workspaceId: id, projectId: null }, id, { at: createdAt, author }, null, after);
}

export function tierChanged(before: WorkspaceRecord, after: WorkspaceRecord, occasion: Occasion): AuditDraft {
  const of = { workspaceId: after.id, projectId: null };
  return entryOf('workspace.tier_changed', of, after.id, occasion, { tier: before.tier }, { tier: after.tier });
}

export function projectCreated(project: ProjectRecord, author: Author | undefined): AuditDraft {
  const { id, name, createdAt: at } = project;
  return entryOf('project.created', inProject(project), id, { at, author }, null, { name });
}

export function projectRenamed(before: ProjectRecord, after: ProjectRecord, occasion: Occasion): AuditDraft {
  const changed = difference(before, after, ['name']);
  return entryOf('project.renamed', inProject(after), after.id, occasion, changed.before, changed.after);
}

export function userAdded(user: UserRecord, author: Author | undefined): AuditDraft {
  const { id, workspaceId, createdAt: at } = user;
  return entryOf('user.added', { workspaceId, projectId: null }, id, { at, author }, null, details(user, USER_SHOWN));
}

export function userChanged(before: UserRecord, after: UserRecord, occasion: Occasion): AuditDraft {
  const { id, workspaceId } = after;
  const action = before.removedAt === after.removedAt ? 'user.updated' : 'user.removed';
  const changed = difference(before, after, USER_SHOWN);
  return entryOf(action, { workspaceId, projectId: null }, id, occasion, changed.before, changed.after);
}

function entryOf(
  action: AuditAction,
  { workspaceId, projectId }: Pick<KeyRecord, 'workspaceId' | 'projectId'>,
  subject: string,
  { at, author = SYSTEM }: Occasion,
  before: AuditDraft['before'],
  after: AuditDraft['after'],
): AuditDraft {
  return draftEntry({ workspaceId, projectId, at, action, subject, before, after }, author);
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
