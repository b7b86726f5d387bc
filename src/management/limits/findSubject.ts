import { badInput } from '../../core/errors/refusal.js';
import { checkExternalId, isId } from '../../core/keys/keyInput.js';
import type { QuotaSubject } from '../../core/quotas/quota.js';
import type { OverrideKind, OverrideSubject } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';

/** A subject of limits, as a caller names it. */
export interface NamedSubject {
  readonly type: OverrideKind;
  /** ID of the key, user, project or workspace, the external ID, or the family of an override. */
  readonly id: string;
  /** Of an external ID or a family. Default: the workspace of the caller. */
  readonly workspaceId?: string | null;
}

/** A subject of limits. For a user with an external ID, this is the external ID, which owns the user's keys. */
export interface FoundSubject extends OverrideSubject {
  readonly workspaceId: string;
  /** The ID that the caller gave. */
  readonly subject: string;
  readonly projectId: string | null;
}

/** The subject of quotas and shared windows for each kind. */
export const SUBJECTS = {
  key: 'key',
  user: 'owner',
  external: 'owner',
  project: 'project',
  workspace: 'workspace',
} as const satisfies Record<OverrideKind, QuotaSubject>;

type Records = Pick<Store, 'keys' | 'users' | 'projects' | 'workspaces' | 'limits'>;

interface FindOptions {
  /** The path of the subject in the arguments, for errors. */
  readonly path: readonly string[];
  /** The workspace of the caller. */
  readonly workspaceId: string;
}

/**
 * Returns the subject with a name, in any workspace; null if there is none.
 *
 * @throws {@link Refusal} BAD_USER_INPUT
 */
export async function findSubject(
  store: Records,
  { type, id, workspaceId = null }: NamedSubject,
  options: FindOptions,
): Promise<FoundSubject | null> {
  if (type === 'external') {
    checkExternalId(id, [...options.path, 'id']);
    const within = workspaceId ?? options.workspaceId;
    if (!isId(within) || (await store.workspaces.find(within)) === null) return null;
    return { kind: type, subjectId: id, workspaceId: within, subject: id, projectId: null };
  }
  if (type === 'key' && id.startsWith('fam_')) return findFamily(store, id, workspaceId ?? options.workspaceId);
  if (workspaceId !== null) {
    throw badInput(
      [...options.path, 'workspaceId'],
      'Only an external ID or the familyId of a key needs a workspaceId. Leave it out.',
    );
  }
  return isId(id) ? FINDERS[type](store, id) : null;
}

/**
 * Returns a family of keys that has an override. Lists show overrides by family, because they outlive each of its keys,
 * so the family is found even if its keys were removed.
 */
async function findFamily({ limits }: Records, id: string, workspaceId: string): Promise<FoundSubject | null> {
  if (!isId(id) || !isId(workspaceId)) return null;
  const [override] = await limits.findMany(workspaceId, [{ kind: 'key', subjectId: id }]);
  return override === undefined ? null : { kind: 'key', subjectId: id, workspaceId, subject: id, projectId: null };
}

type Finder = (store: Records, id: string) => Promise<FoundSubject | null>;

const FINDERS: Readonly<Record<Exclude<OverrideKind, 'external'>, Finder>> = {
  key: async ({ keys }, id) => {
    const key = await keys.find(id, null);
    if (key === null) return null;
    const { familyId: subjectId, workspaceId, projectId } = key;
    return { kind: 'key', subjectId, workspaceId, subject: id, projectId };
  },
  user: async ({ users }, id) => {
    const user = await users.find(id);
    if (user === null) return null;
    const common = { workspaceId: user.workspaceId, subject: id, projectId: null };
    return user.externalId === null
      ? { kind: 'user', subjectId: id, ...common }
      : { kind: 'external', subjectId: user.externalId, ...common };
  },
  project: async ({ projects }, id) => {
    const project = await projects.find(id);
    return project && { kind: 'project', subjectId: id, workspaceId: project.workspaceId, subject: id, projectId: id };
  },
  workspace: async ({ workspaces }, id) =>
    (await workspaces.find(id)) && { kind: 'workspace', subjectId: id, workspaceId: id, subject: id, projectId: null },
};
