import { NO_CONFIGURATION, type Configuration } from '../core/auth/configuration.js';
import { ConfiguredKeys } from '../core/auth/configuredKeys.js';
import { ANONYMOUS } from '../core/auth/principal.js';
import { BcryptGate } from '../core/keys/bcryptGate.js';
import { KeyEventListeners } from '../core/keys/keyEventListeners.js';
import { Peppers } from '../core/keys/pepper.js';
import type { RateLimitHeaders } from '../core/limits/limitFields.js';
import type { UnknownTier } from '../core/limits/storedTiers.js';
import { containedObserver } from '../core/observer/containedObserver.js';
import type { QuotaStatus } from '../core/quotas/quotaRefusal.js';
import type { Observer } from '../core/observer/observer.js';
import type { Ceilings } from '../core/scopes/ceilings.js';
import type { Roles } from '../core/scopes/roles.js';
import { withBreaker } from '../core/store/breaking.js';
import type { KeyType } from '../core/store/records.js';
import type { Store } from '../core/store/store.js';
import { Callbacks } from '../shared/callbacks.js';
import { shown } from '../shared/optionChecks.js';
import { ChangeAnnouncer } from './changeAnnouncer.js';
import { CurrentTiers } from './currentTiers.js';
import type { LatchkeyOptions } from './latchkeyOptions.js';

/** What every part of an assembly uses: the store, the clock, the user's functions, and the configuration in use. */
export interface Foundation {
  readonly options: LatchkeyOptions;
  /** Behind a circuit breaker. Each change that makes cached records stale is announced by {@link changes}. */
  readonly store: Store;
  readonly changes: ChangeAnnouncer;
  readonly now: () => number;
  readonly gate: BcryptGate;
  /** Null if digests are only kept in memory. */
  readonly peppers: Peppers | null;
  readonly callbacks: Callbacks;
  readonly observer: Observer;
  readonly log: LatchkeyOptions['log'];
  readonly keyEvents: KeyEventListeners;
  readonly configured: CurrentConfiguration;
  readonly tiers: CurrentTiers;
  /** Functions that clean up after a failed start. */
  readonly started: (() => unknown)[];
  /** Stops the circuit breaker, if it was created here. */
  readonly end: () => void;
}

/** @param started receives the functions of {@link Foundation.started} */
export function foundationOf(options: LatchkeyOptions, started: (() => unknown)[]): Foundation {
  const callbacks = callbacksOf('createLatchkey', options);
  const { store, end } = withBreaker(options.store);
  started.push(end);
  const keyEvents = new KeyEventListeners();
  if (options.onKeyEvent !== undefined) keyEvents.listen(callbacks.contain('onKeyEvent', options.onKeyEvent));
  const changes = new ChangeAnnouncer(options.changes, callbacks, keyEvents.tell);
  const log = options.log && callbacks.contain('log', options.log);
  const tiers = new CurrentTiers(options, reportTo(log));
  return {
    ...{ options, end, started, callbacks, changes, keyEvents, tiers, log },
    store: tiers.stored.around(changes.around(store)),
    now: options.now ?? Date.now,
    gate: new BcryptGate(options.bcryptCost === undefined ? {} : { cost: options.bcryptCost }),
    peppers: Peppers.of(options.peppers ?? []),
    observer: containedObserver(callbacks, options.observer),
    configured: new CurrentConfiguration(options),
  };
}

/** Returns the function that reports a tier that a stored workspace has, but the table doesn't. */
function reportTo(log: LatchkeyOptions['log']): (unknown: UnknownTier) => void {
  return ({ tier, instead }) => {
    const text = `A stored workspace has the tier ${shown(tier)}, which is not defined. Such workspaces have the limits of ${instead}, the smallest tier. Define the tier, or set \`was\` of the tier that replaces it.`;
    // oxlint-disable-next-line no-console
    if (log === undefined) console.warn(text);
    else log(new Error(text), { principal: ANONYMOUS });
  };
}

/** Returns the wrapper of the options' functions. Their faults go to `log`. @param what the function that has the options */
export function callbacksOf(what: string, { log }: LatchkeyOptions): Callbacks {
  return new Callbacks(what, log && ((fault) => log(fault, { principal: ANONYMOUS })));
}

/** The configuration in use, with its hashed keys. Both are replaced in one step. */
class CurrentConfiguration {
  readonly #options: LatchkeyOptions;
  #current: Configuration = NO_CONFIGURATION;
  #keys = ConfiguredKeys.NONE;

  constructor(options: LatchkeyOptions) {
    this.#options = options;
  }

  replace(configuration: Configuration, keys: ConfiguredKeys): void {
    this.#current = configuration;
    this.#keys = keys;
  }

  readonly roles = (): Roles => this.#current.roles;
  readonly ceilings = (): Ceilings => this.#current.ceilings;
  readonly keys = (): ConfiguredKeys['records'] => this.#keys.records;
  readonly oidc = (): Configuration['oidc'] => this.#current.oidc;
  readonly prefixes = (): Readonly<Record<KeyType, string>> => this.#options.prefixes ?? this.#current.prefixes;
  readonly rateLimitHeaders = (): RateLimitHeaders =>
    this.#options.rateLimitHeaders ?? this.#current.rateLimitHeaders ?? 'draft';
  readonly quotaStatus = (): QuotaStatus => this.#options.quotaStatus ?? this.#current.quotaStatus ?? 429;
}
