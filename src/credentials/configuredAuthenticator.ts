import { hash, randomBytes } from 'node:crypto';
import type { ConfiguredRecord } from '../keys/configured.js';
import type { Store } from '../store/store.js';
import { unavailable } from '../refusals/refusal.js';
import { MAX_CONFIGURED_KEYS } from './configuration.js';
import type { ConfiguredKeys } from './configuredKeys.js';
import type { Failures } from './failures.js';
import { configuredHolderOf, type AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';

export interface ConfiguredAuthenticatorOptions {
  readonly workspaces: Pick<Store['workspaces'], 'find'>;
  readonly keys: ConfiguredKeys;
  readonly failures: Failures;
  /** See {@link ReadCache}. */
  readonly ttl: number;
  readonly clock?: () => number;
}

/**
 * A credential to the principal of a configured key. bcrypt finds a key right once; from then on one salted hash tells it,
 * and what is read is its workspace's tier.
 */
export class ConfiguredAuthenticator {
  readonly #failures: Failures;
  readonly #principals: ReadCache<AuthenticatedPrincipal>;
  readonly #salt = randomBytes(32).toString('base64');
  #keys: ConfiguredKeys;
  /** Keys by the salted hash of their credential: never more than there are. */
  #right = new Map<string, ConfiguredRecord>();
  /** What bcrypt is judging. */
  #running = new Map<string, Promise<ConfiguredRecord | null>>();

  constructor({ workspaces, keys, failures, ttl, clock }: ConfiguredAuthenticatorOptions) {
    this.#keys = keys;
    this.#failures = failures;
    this.#principals = new ReadCache({
      ttl,
      // Twice as many as there may be, so that none is ever pushed out.
      max: 2 * MAX_CONFIGURED_KEYS + 2,
      ...(clock !== undefined && { clock }),
      read: async (id) => {
        const record = this.#keys.records.find((candidate) => candidate.id === id);
        if (record === undefined) return null;
        const workspace = await workspaces.find(record.workspaceId);
        return workspace && configuredHolderOf(record, workspace.tier);
      },
    });
  }

  /** Are there any? */
  get any(): boolean {
    return this.#keys.records.length > 0;
  }

  /** May it be one of the keys? Where not, it is none for sure. */
  mayBe(credential: string): boolean {
    return this.#keys.tagOf(credential) !== null;
  }

  /** The principal of a key that was found right and whose tier counts; null where that has to be looked into. */
  known(credential: string): AuthenticatedPrincipal | null {
    if (this.#right.size === 0) return null;
    const key = this.#right.get(this.#markOf(credential));
    return (key && this.#principals.fresh(key.id)) ?? null;
  }

  /**
   * @returns null where it is none of the keys
   * @throws Refusal RATE_LIMITED (too many wrong ones), UNAVAILABLE; whatever the store throws
   */
  async verify(credential: string, address: string | null): Promise<AuthenticatedPrincipal | null> {
    const keys = this.#keys;
    const mark = this.#markOf(credential);
    const key = this.#right.get(mark) ?? (await this.#judge(credential, mark, address));
    const principal = key && (await this.#principals.get(key.id));
    // Judged by keys that a reload has replaced meanwhile: the new ones decide.
    if (keys !== this.#keys) return this.verify(credential, address);
    if (key !== null && principal === null) {
      throw unavailable("The workspace of the configured key is missing. Correct the key's workspace.", 5);
    }
    return principal;
  }

  /** Returns for how many ms a principal still counts that was answered. */
  remaining(principal: AuthenticatedPrincipal): number {
    return this.#principals.remaining(principal.keyId, (latest) => latest === principal);
  }

  /** From now on these keys count and no others. */
  replace(keys: ConfiguredKeys): void {
    this.#keys = keys;
    this.#right = new Map();
    this.#running = new Map();
    this.#principals.forgetWhere(() => true);
  }

  /** @param workspaceId whose tier may have changed; null: any */
  forget(workspaceId: string | null): void {
    this.#principals.forgetWhere((principal) => workspaceId === null || principal.workspaceId === workspaceId);
  }

  /** Wrong ones are counted before bcrypt runs, for a thousand at once must not all find the count at zero. */
  async #judge(credential: string, mark: string, address: string | null): Promise<ConfiguredRecord | null> {
    const tag = this.#keys.tagOf(credential);
    const counted = tag === null ? null : `tag ${tag}`;
    const running = this.#running.get(mark);
    if (running !== undefined) {
      // A right key may be sent a hundred times at once to a process that has just started.
      const key = await running;
      if (key === null) this.#failures.take(counted, address);
      return key;
    }
    if (tag === null) {
      this.#failures.take(counted, address);
      return null;
    }
    // The tag makes it one of a few in a million guesses, or a key.
    const { giveBack, over } = this.#failures.attempt(counted, address);
    const { judging, end } = this.#begin(credential, mark);
    let key: ConfiguredRecord | null;
    try {
      key = await judging;
    } catch (error) {
      // What cannot be judged is no failure.
      giveBack();
      throw error;
    } finally {
      end();
    }
    if (key !== null) giveBack();
    else if (over !== null) throw over;
    return key;
  }

  #begin(credential: string, mark: string) {
    const right = this.#right;
    const running = this.#running;
    const judging = this.#keys.find(credential).then((key) => {
      if (key !== null) right.set(mark, key);
      return key;
    });
    running.set(mark, judging);
    return { judging, end: () => running.delete(mark) };
  }

  /** Salted, so that nothing in memory could be looked up. */
  #markOf(credential: string): string {
    return hash('sha256', this.#salt + credential, 'base64url');
  }
}
