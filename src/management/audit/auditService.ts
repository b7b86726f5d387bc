import type { Actor } from '../../core/keys/actor.js';
import { invalidId, isId } from '../../core/keys/keyInput.js';
import { badInput } from '../../core/errors/refusal.js';
import type { AuditEntry, AuditHead } from '../../core/store/audit.js';
import type { AuditFilter, AuditStore } from '../../core/store/auditStore.js';
import { assertReachesAll } from '../workspaces/reach.js';
import { checkPage, pageOf, type Page } from '../schema/pageConnection.js';

const MAX_ID = 128;

/**
 * Reads the audit log of the actor's workspace. A key that is restricted to a project can read only entries of the
 * project.
 */
export class AuditService {
  readonly #audit: Pick<AuditStore, 'list' | 'head' | 'base'>;

  constructor(audit: Pick<AuditStore, 'list' | 'head' | 'base'>) {
    this.#audit = audit;
  }

  /**
   * Returns the head, which is stored separately from the chain; null if the chain is empty. @throws Refusal FORBIDDEN
   * (a bound key)
   */
  async head(actor: Actor): Promise<AuditHead | null> {
    assertReachesAll(actor);
    return this.#audit.head(actor.workspaceId);
  }

  /** Returns the last entry that was archived; null if there is none. @throws Refusal FORBIDDEN (a bound key) */
  async base(actor: Actor): Promise<AuditHead | null> {
    assertReachesAll(actor);
    return this.#audit.base(actor.workspaceId);
  }

  /**
   * Returns entries, newest first. @param before a place in the chain; null: starts at the newest @throws Refusal
   * BAD_USER_INPUT
   */
  async list(
    { workspaceId, projectId }: Actor,
    first: number,
    before: number | null,
    filter: AuditFilter,
  ): Promise<Page<AuditEntry>> {
    checkPage(first);
    for (const field of ['subject', 'actor'] as const) {
      const id = filter[field];
      if (id !== undefined && (id.length > MAX_ID || !isId(id))) throw badInput(['filter', field], invalidId(field));
    }
    if (projectId !== null && filter.projectId !== undefined && filter.projectId !== projectId) {
      return pageOf<AuditEntry>([], first, before);
    }
    const reached = projectId === null ? filter : { ...filter, projectId };
    return pageOf(await this.#audit.list(workspaceId, { first: first + 1, before, filter: reached }), first, before);
  }
}
