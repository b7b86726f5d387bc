import type { Tier } from '../store/records.js';
import type { KeyStore, KeyWithTier } from '../store/keyStore.js';
import type { Store, WorkspaceStore } from '../store/store.js';
import { overlaid } from '../util/overlaid.js';
import { knowsTier, tierOf, type TierTable } from './tiers.js';

/** The maximum number of unknown names that are remembered, because a store can have any. */
const MAX_UNKNOWN = 100;

/** A tier of stored workspaces that the table doesn't have. */
export interface UnknownTier {
  /** The stored name. */
  readonly tier: string;
  /** The tier that these workspaces have instead. */
  readonly instead: Tier;
}

/**
 * Resolves the tiers of stored workspaces. A stored name is never rewritten, because a mistake in the table must not
 * change what a workspace was given: with the next table, it has its tier again.
 */
export class StoredTiers {
  readonly #table: TierTable;
  readonly #report: (unknown: UnknownTier) => void;
  readonly #unknown = new Set<string>();

  /**
   * @param table may change at any time
   * @param report called once for each unknown name until {@link forget} is called
   */
  constructor(table: TierTable, report: (unknown: UnknownTier) => void) {
    this.#table = table;
    this.#report = report;
  }

  /** Returns the tier that a stored name stands for. See {@link tierOf}. */
  resolve(stored: string): Tier {
    const tier = tierOf(this.#table, stored);
    if (tier !== stored && !knowsTier(this.#table, stored)) this.#note(stored, tier);
    return tier;
  }

  /** The unknown names that were read. */
  get unknown(): readonly string[] {
    return [...this.#unknown];
  }

  /** Forgets the unknown names, because the table has changed. */
  forget(): void {
    this.#unknown.clear();
  }

  /** Returns a store whose workspaces have tiers of the table. */
  around(store: Store): Store {
    return overlaid(store, {
      keys: this.#aroundKeys(store.keys),
      workspaces: this.#aroundWorkspaces(store.workspaces),
    });
  }

  #aroundKeys(keys: KeyStore): KeyStore {
    const resolved = (found: KeyWithTier | null): KeyWithTier | null => found && this.#resolved(found);
    return overlaid(keys, {
      findForVerification: async (lookupId) => resolved(await keys.findForVerification(lookupId)),
      findForDerived: async (id) => resolved(await keys.findForDerived(id)),
    });
  }

  #aroundWorkspaces(workspaces: WorkspaceStore): WorkspaceStore {
    return overlaid(workspaces, {
      find: async (id) => {
        const workspace = await workspaces.find(id);
        return workspace && this.#resolved(workspace);
      },
      list: async (first) => (await workspaces.list(first)).map((workspace) => this.#resolved(workspace)),
      setTier: async (...given) => {
        const changed = await workspaces.setTier(...given);
        return changed === null || changed === 'authorEnded' ? changed : this.#resolved(changed);
      },
    });
  }

  #resolved<T extends { readonly tier: Tier }>(record: T): T {
    const tier = this.resolve(record.tier);
    return tier === record.tier ? record : { ...record, tier };
  }

  #note(tier: string, instead: Tier): void {
    if (this.#unknown.has(tier) || this.#unknown.size >= MAX_UNKNOWN) return;
    this.#unknown.add(tier);
    this.#report({ tier, instead });
  }
}
