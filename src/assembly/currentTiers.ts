import type { GraphQLSchema } from 'graphql';
import { StoredTiers, type UnknownTier } from '../core/limits/storedTiers.js';
import { defaultTierOf, replaceTable, TIER_LIMITS, tiersIn, type TierTable } from '../core/limits/tiers.js';
import type { Tier } from '../core/store/records.js';
import { TierEnums } from '../management/schema/tierEnum.js';
import { optionError } from '../shared/optionChecks.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

/** The tiers in use: their limits, the tiers of stored workspaces, and their names in guarded schemas. */
export class CurrentTiers {
  /** Its content can be replaced at any time. */
  readonly table: TierTable;
  readonly stored: StoredTiers;
  readonly #enums = new TierEnums();
  #default: Tier | undefined;

  /**
   * @param report see {@link StoredTiers}
   * @throws TypeError if the table doesn't have the default tier
   */
  constructor(
    options: Pick<LatchkeyOptions, 'limits' | 'tiers' | 'defaultTier'>,
    report: (unknown: UnknownTier) => void,
  ) {
    this.table = options.limits?.tiers ?? options.tiers ?? TIER_LIMITS;
    this.stored = new StoredTiers(this.table, report);
    this.#default = checkedDefault(this.table, options.defaultTier);
  }

  /** Returns the tier of new workspaces, unless another one is given. */
  readonly defaultTier = (): Tier => this.#default ?? defaultTierOf(this.table);

  /** Keeps the names of the tiers in a schema up to date. */
  watch(schema: GraphQLSchema): void {
    this.#enums.watch(schema);
  }

  /**
   * Replaces the table in one step. Principals in caches may still have a removed tier until they are read again.
   *
   * @throws TypeError if the table doesn't have the default tier
   */
  readonly replace = (next: TierTable, defaultTier?: Tier): void => {
    const checked = checkedDefault(next, defaultTier);
    const before = tiersIn(this.table);
    replaceTable(this.table, next);
    this.#default = checked;
    this.stored.forget();
    this.#enums.replace(before, tiersIn(next));
  };
}

function checkedDefault(table: TierTable, tier: Tier | undefined): Tier | undefined {
  if (tier === undefined || tiersIn(table).includes(tier)) return tier;
  throw optionError('createLatchkey: defaultTier', tier, `one of ${tiersIn(table).join(', ')}`);
}
