import { isPlatform, type Actor } from '../../core/keys/actor.js';
import { findConfigured, type ConfiguredRecord } from '../../core/keys/configured.js';
import { KeyOverrides } from '../../core/limits/overrides.js';
import type { Limited } from '../../core/limits/subjects.js';
import type { LimitOverride, OverrideKind } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';
import { assertReachesAll } from '../workspaces/reach.js';
import { findSubject, type FoundSubject, type NamedSubject } from './findSubject.js';

interface SubjectLimitsOptions {
  readonly store: Pick<Store, 'keys' | 'users' | 'projects' | 'workspaces' | 'limits'>;
  /** The keys in the configuration. Default: none. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly now: () => number;
}

/** A subject whose limits are shown. */
export interface LimitedSubject {
  readonly kind: OverrideKind;
  readonly subjectId: string;
  /** A key that only has this subject, so that its limits are those of the subject. */
  readonly limited: Limited;
  readonly override: LimitOverride | null;
}

/** Finds the subjects whose limits an actor can read. */
export class SubjectLimits {
  readonly #options: SubjectLimitsOptions;

  constructor(options: SubjectLimitsOptions) {
    this.#options = options;
  }

  /**
   * Returns a subject and the limits that were set for it; null if the actor has access to no such subject.
   *
   * @throws {@link Refusal} BAD_USER_INPUT; FORBIDDEN: the actor is restricted to a project, and the subject is not part of one
   */
  async find(actor: Actor, named: NamedSubject): Promise<LimitedSubject | null> {
    if (named.type !== 'key' && named.type !== 'project') assertReachesAll(actor);
    const { store, now } = this.#options;
    const found = this.#configuredKey(named) ?? (await findSubject(store, named, { path: ['subject'], ...actor }));
    if (found === null || !reaches(actor, found)) return null;
    const { kind, subjectId, workspaceId } = found;
    const [workspace, overrides] = await Promise.all([
      store.workspaces.find(workspaceId),
      store.limits.findMany(workspaceId, [{ kind, subjectId }]),
    ]);
    if (workspace === null) return null;
    const limited: Limited = {
      ...{ keyId: '', familyId: '', projectId: null, userId: null, workspaceId, tier: workspace.tier },
      ...IDS[kind](subjectId),
      ...(overrides.length > 0 && { overrides: new KeyOverrides(overrides, now) }),
    };
    return { kind, subjectId, limited, override: overrides[0] ?? null };
  }

  #configuredKey({ type, id }: NamedSubject): FoundSubject | null {
    const key = type === 'key' ? findConfigured(this.#options.configured?.() ?? [], id, null) : null;
    if (key === null) return null;
    const { familyId: subjectId, workspaceId, projectId } = key;
    return { kind: 'key', subjectId, workspaceId, subject: id, projectId };
  }
}

/** The fields of a key that make a subject its only one, apart from the workspace. */
const IDS: Readonly<Record<OverrideKind, (id: string) => Partial<Limited>>> = {
  key: (familyId) => ({ familyId }),
  user: (userId) => ({ userId }),
  external: (externalId) => ({ externalId }),
  project: (projectId) => ({ projectId }),
  workspace: () => ({}),
};

function reaches(actor: Actor, { workspaceId, projectId }: FoundSubject): boolean {
  if (isPlatform(actor)) return true;
  return workspaceId === actor.workspaceId && (actor.projectId === null || actor.projectId === projectId);
}
