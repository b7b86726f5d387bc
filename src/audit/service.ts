import type { Actor } from '../keys/actor.js';
import { isId } from '../keys/input.js';
import { badInput } from '../refusals/refusal.js';
import type { AuditEntry, AuditHead } from '../store/audit.js';
import type { AuditFilter, AuditStore } from '../store/store.js';
import { assertReachesAll } from '../workspaces/reach.js';
import { checkPage, pageOf, type Page } from '../schema/connection.js';

const MAX_ID = 128;

/** Reads the audit log of the actor's workspace; a key that is bound to a project reads that project's part. */
export class AuditService {
  readonly #audit: Pick<AuditStore, 'list' | 'head' | 'base'>;

  constructor(audit: Pick<AuditStore, 'list' | 'head' | 'base'>) {
    this.#audit = audit;
  }

  /** Returns the head that is kept apart from the chain; null where the chain is empty. @throws Refusal FORBIDDEN (a bound key) */
  async head(actor: Actor): Promise<AuditHead | null> {
    assertReachesAll(actor);
    return this.#audit.head(actor.workspaceId);
  }

  /** Returns the last entry that was archived; null where none was. @throws Refusal FORBIDDEN (a bound key) */
  async base(actor: Actor): Promise<AuditHead | null> {
    assertReachesAll(actor);
    return this.#audit.base(actor.workspaceId);
  }

  /** Newest first. @param before a place in the chain; null: from the newest on @throws Refusal BAD_USER_INPUT */
  async list(
    { workspaceId, projectId }: Actor,
    first: number,
    before: number | null,
    filter: AuditFilter,
  ): Promise<Page<AuditEntry>> {
    checkPage(first);
    for (const field of ['subject', 'actor'] as const) {
      const id = filter[field];
      if (id !== undefined && (id.length > MAX_ID || !isId(id))) throw badInput(['filter', field], 'Invalid ID.');
    }
    if (projectId !== null && filter.projectId !== undefined && filter.projectId !== projectId) {
      return pageOf<AuditEntry>([], first, before);
    }
    const reached = projectId === null ? filter : { ...filter, projectId };
    return pageOf(await this.#audit.list(workspaceId, { first: first + 1, before, filter: reached }), first, before);
  }
}
