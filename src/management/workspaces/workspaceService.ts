import { type Actor, type Origin } from '../../core/keys/actor.js';
import { checkName, isId } from '../../core/keys/keyInput.js';
import { newId, type KeyMinter } from '../../core/keys/minter.js';
import { Authors } from '../../core/keys/author.js';
import type { ConfiguredRecord } from '../../core/keys/configured.js';
import type { IssuedKey } from '../../core/keys/keyService.js';
import { badInput, notFound } from '../../core/errors/refusal.js';
import { defaultTierOf, TIER_LIMITS, tiersIn, type TierTable } from '../../core/limits/tiers.js';
import { ADMIN } from '../../core/scopes/grammar.js';
import type { Roles } from '../../core/scopes/roles.js';
import type { Tier, WorkspaceRecord } from '../../core/store/records.js';
import type { PlaceKind } from '../../core/store/keyStore.js';
import type { Store } from '../../core/store/store.js';
import { shown } from '../../shared/optionChecks.js';

interface WorkspaceServiceOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces' | 'users' | 'audit'>;
  /** The scopes of users' roles. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
  /** The keys in the configuration. Default: they are not checked again. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly minter: KeyMinter;
  /** The tiers that a workspace can have. Default: the published ones. */
  readonly tiers?: TierTable;
  /** Returns the tier of a new workspace. Default: GROWTH, or the smallest tier. */
  readonly defaultTier?: () => Tier;
  readonly now: () => number;
}

/** Workspaces: tenants with a tier and keys. */
export class WorkspaceService {
  readonly #options: WorkspaceServiceOptions;
  readonly #authors: Authors;
  readonly #tiers: TierTable;

  constructor(options: WorkspaceServiceOptions) {
    this.#options = options;
    this.#authors = new Authors(options);
    this.#tiers = options.tiers ?? TIER_LIMITS;
  }

  /**
   * Creates a workspace together with an admin key.
   *
   * @throws {@link Refusal} BAD_USER_INPUT (name, tier)
   */
  async create(
    actor: Actor,
    input: { readonly name: string; readonly tier?: Tier | null },
    origin?: Origin,
  ): Promise<IssuedKey & { readonly workspace: WorkspaceRecord }> {
    const { store, now } = this.#options;
    const workspace: WorkspaceRecord = {
      id: newId('ws'),
      name: checkName(input.name),
      tier: this.#checked(input.tier ?? this.#options.defaultTier?.() ?? defaultTierOf(this.#tiers)),
      createdAt: now(),
    };
    const issued = await this.#mintAdminKey(workspace.id, actor.keyId);
    await this.#authors.act(actor, origin, (author) => store.workspaces.create(workspace, issued.key, author));
    return { ...issued, workspace };
  }

  /** Returns the number of active key families, as counted for the tier. */
  countKeys(id: string, kind: PlaceKind): Promise<number> {
    return this.#options.store.keys.countFamilies(id, this.#options.now(), kind);
  }

  /**
   * Changes the tier of a workspace.
   *
   * @throws {@link Refusal} NOT_FOUND, BAD_USER_INPUT (tier)
   */
  async setTier(actor: Actor, id: string, tier: Tier, origin?: Origin): Promise<WorkspaceRecord> {
    const { store, now } = this.#options;
    if (!isId(id)) throw notFound('workspace');
    this.#checked(tier);
    const workspace = await this.#authors.act(actor, origin, (author) =>
      store.workspaces.setTier(id, tier, now(), author),
    );
    if (workspace === null) throw notFound('workspace');
    return workspace;
  }

  /**
   * Ensures that the first workspace exists and, unless there is an operator key, that it has an admin key. Never creates
   * a second one: keys that were removed after they ended are still in the audit log. If several processes start
   * together, one of them creates the key.
   *
   * @returns the key if this call created it, which is the only time that its token can be shown
   */
  async ensureFirst(first: {
    readonly id: string;
    readonly tier: Tier;
    readonly withKey: boolean;
  }): Promise<IssuedKey | null> {
    const { store, now } = this.#options;
    await store.workspaces.ensure({ id: first.id, name: first.id, tier: first.tier, createdAt: now() });
    if (!first.withKey) return null;
    const { keys } = await store.keys.list(first.id, { first: 1, after: null, filter: {}, now: now() });
    if (keys.length > 0 || (await this.#hadKey(first.id))) return null;
    const issued = await this.#mintAdminKey(first.id, null);
    const { outcome } = await store.keys.insert(issued.key, 1, now());
    return outcome === 'inserted' ? issued : null;
  }

  /** Checks the tier again: the table may have changed after the operation was validated. @throws Refusal BAD_USER_INPUT */
  #checked(tier: Tier): Tier {
    const names = tiersIn(this.#tiers);
    if (names.includes(tier)) return tier;
    throw badInput(['input', 'tier'], `There is no tier ${shown(tier)}. Tiers: ${names.join(', ')}.`);
  }

  /** Returns whether the audit log shows a key of the workspace, or was archived and may have shown one. */
  async #hadKey(workspaceId: string): Promise<boolean> {
    const { audit } = this.#options.store;
    const filter = { actions: ['key.created'] } as const;
    const [created] = await audit.list(workspaceId, { first: 1, before: null, filter });
    return created !== undefined || (await audit.base(workspaceId)) !== null;
  }

  #mintAdminKey(workspaceId: string, createdBy: string | null): Promise<IssuedKey> {
    return this.#options.minter.mint({
      workspaceId,
      createdBy,
      name: 'Admin',
      scopes: [ADMIN],
      type: 'SECRET',
      environment: 'LIVE',
      expiresAt: null,
      lifetime: null,
      createdAt: this.#options.now(),
    });
  }
}
