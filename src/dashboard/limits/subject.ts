import type {
  AddCreditsInput,
  KeyFactsFragment,
  LimitSubjectInput,
  LimitSubjectType,
  QuotaSubject,
} from '../generated/graphql.js';

/** A subject of limits, as the API names it. */
export type Subject = Pick<LimitSubjectInput, 'type' | 'id' | 'workspaceId'>;

/** A subject of a key, with a name for it. */
export interface NamedSubject {
  readonly label: string;
  readonly subject: Subject;
}

export const TYPES: Readonly<Record<LimitSubjectType, string>> = {
  API_KEY: 'Key',
  USER: 'User',
  EXTERNAL_ID: 'External ID',
  PROJECT: 'Project',
  WORKSPACE: 'Workspace',
};

/** The subject of quotas and credits, by type of subject. */
const QUOTA_SUBJECTS: Readonly<Record<LimitSubjectType, QuotaSubject>> = {
  API_KEY: 'KEY',
  USER: 'OWNER',
  EXTERNAL_ID: 'OWNER',
  PROJECT: 'PROJECT',
  WORKSPACE: 'WORKSPACE',
};

/** Returns the subjects whose limits a key has: itself, its owner, its project and its workspace. */
export function subjectsOf({ id, workspaceId, externalId, user, project }: KeyFactsFragment): readonly NamedSubject[] {
  const owner = externalId ?? user?.externalId ?? null;
  const subjects: NamedSubject[] = [{ label: 'This key', subject: { type: 'API_KEY', id } }];
  if (owner !== null) {
    subjects.push({ label: `All keys of ${owner}`, subject: { type: 'EXTERNAL_ID', id: owner, workspaceId } });
  } else if (user !== null) {
    subjects.push({ label: `All keys of ${user.name}`, subject: { type: 'USER', id: user.id } });
  }
  if (project !== null) {
    subjects.push({ label: `All keys of the project ${project.name}`, subject: { type: 'PROJECT', id: project.id } });
  }
  return [...subjects, { label: 'All keys of the workspace', subject: { type: 'WORKSPACE', id: workspaceId } }];
}

/** Returns the subject whose credits a key uses; null if the key has no credits, or no owner or project to share them with. */
export function holderOfCredits(apiKey: KeyFactsFragment): NamedSubject | null {
  const of = apiKey.limits.credits?.subject;
  return subjectsOf(apiKey).find(({ subject }) => QUOTA_SUBJECTS[subject.type] === of) ?? null;
}

/** Returns the address of the page with the limits of a subject. */
export function pageOf({ type, id, workspaceId }: Subject): string {
  const query = new URLSearchParams({ type, id, ...(workspaceId != null && { workspace: workspaceId }) });
  return `/limits?${query.toString()}`;
}

/** Returns the credit subject for a subject of limits. */
export function holderOf({ type, id, workspaceId }: Subject): Pick<AddCreditsInput, 'subject' | 'id' | 'workspaceId'> {
  return { subject: QUOTA_SUBJECTS[type], id, ...(workspaceId != null && { workspaceId }) };
}
