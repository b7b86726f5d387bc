import { hash, randomBytes } from 'node:crypto';
import type { ConfiguredRecord } from '../keys/configured.js';
import type { Store } from '../store/store.js';
import { unavailable } from '../errors/refusal.js';
import { MAX_CONFIGURED_KEYS } from './configuration.js';
import type { ConfiguredKeys } from './configuredKeys.js';
import { Refused } from '../errors/refusalValue.js';
import type { Failures, Sender } from './failures.js';
import { configuredHolderOf, type AuthenticatedPrincipal } from './principal.js';
import { ReadCache } from './readCache.js';

interface ConfiguredAuthenticatorOptions {
  readonly workspaces: Pick<Store['workspaces'], 'find'>;
  readonly keys: ConfiguredKeys;
  readonly failures: Failures;
  /** See {@link ReadCache}. */
  readonly ttl: number;
  readonly clock?: () => number;
}

/**
 * Verifies configured keys. bcrypt verifies a key once. After that, a salted hash recognizes it, and only the tier of its
 * workspace is read from the store.
 */
export class ConfiguredAuthenticator {
  readonly #failures: Failures;
  readonly #principals: ReadCache<AuthenticatedPrincipal>;
  readonly #salt = randomBytes(32).toString('base64');
  #keys: ConfiguredKeys;
  /** Verified keys by the salted hash of their credential. At most one for each configured key. */
  #right = new Map<string, ConfiguredRecord>();
  /** Running verifications, by the salted hash of the credential. */
  #running = new Map<string, Promise<ConfiguredRecord | null>>();

  constructor({ workspaces, keys, failures, ttl, clock }: ConfiguredAuthenticatorOptions) {
    this.#keys = keys;
    this.#failures = failures;
    this.#principals = new ReadCache({
      ttl,
      max: MAX_CONFIGURED_KEYS,
      ...(clock !== undefined && { clock }),
      read: async (id) => {
        const record = this.#keys.records.find((candidate) => candidate.id === id);
        if (record === undefined) return null;
        const workspace = await workspaces.find(record.workspaceId);
        return workspace && configuredHolderOf(record, workspace.tier);
      },
    });
  }

  /** Whether there are configured keys. */
  get any(): boolean {
    return this.#keys.records.length > 0;
  }

  /** Returns whether a credential may be a configured key. `false`: definitely not. */
  mayBe(credential: string): boolean {
    return this.#keys.tagOf(credential) !== null;
  }

  /** Returns the principal of a verified key whose tier is cached; otherwise null: call {@link verify}. */
  known(credential: string): AuthenticatedPrincipal | null {
    if (this.#right.size === 0) return null;
    const key = this.#right.get(this.#markOf(credential));
    return (key && this.#principals.fresh(key.id)) ?? null;
  }

  /**
   * Verifies a credential.
   * @returns null if it is not a configured key, or the refusal after too many invalid keys
   * @throws Refusal UNAVAILABLE, and errors of the store
   */
  async verify(credential: string, sender: Sender): Promise<AuthenticatedPrincipal | Refused | null> {
    const keys = this.#keys;
    const mark = this.#markOf(credential);
    const key = this.#right.get(mark) ?? (await this.#judge(credential, mark, sender));
    if (key instanceof Refused) return key;
    const principal = key && (await this.#principals.get(key.id));
    // A reload replaced the keys during the verification.
    if (keys !== this.#keys) return this.verify(credential, sender);
    if (key !== null && principal === null) {
      throw unavailable("The workspace of the configured key is missing. Correct the key's workspace.", 5);
    }
    return principal;
  }

  /** Returns the milliseconds for which a principal stays valid. */
  remaining(principal: AuthenticatedPrincipal): number {
    return this.#principals.remaining(principal.keyId, (latest) => latest === principal);
  }

  /** Replaces the keys. */
  replace(keys: ConfiguredKeys): void {
    this.#keys = keys;
    this.#right = new Map();
    this.#running = new Map();
    this.#principals.forgetWhere(() => true);
  }

  /** Marks cached tiers as stale. @param workspaceId the workspace whose tier may have changed; null for any */
  forget(workspaceId: string | null): void {
    this.#principals.forgetWhere((principal) => workspaceId === null || principal.workspaceId === workspaceId);
  }

  /** Counts a failure before bcrypt runs, because a thousand concurrent guesses must not all find the count at zero. */
  async #judge(credential: string, mark: string, sender: Sender): Promise<ConfiguredRecord | Refused | null> {
    const tag = this.#keys.tagOf(credential);
    const counted = tag === null ? null : `tag ${tag}`;
    const running = this.#running.get(mark);
    if (running !== undefined) {
      // Not counted in advance: clients may send a valid key many times at once to a process that has just started.
      return (await running) ?? this.#failed(counted, sender);
    }
    if (tag === null) return this.#failed(counted, sender);
    // The tag matches, so it is a key, or one of the few guesses in a million with the same tag.
    const attempt = this.#failures.tryAttempt(counted, sender);
    if (attempt instanceof Refused) return attempt;
    const { giveBack, over } = attempt;
    const { judging, end } = this.#begin(credential, mark);
    let key: ConfiguredRecord | null;
    try {
      key = await judging;
    } catch (error) {
      // A credential that can't be verified is not a failure.
      giveBack();
      throw error;
    } finally {
      end();
    }
    if (key === null) return over;
    giveBack();
    return key;
  }

  /** Counts a failure. @returns null, or the refusal if there were too many */
  #failed(counted: string | null, sender: Sender): Refused | null {
    const taken = this.#failures.tryTake(counted, sender);
    return taken instanceof Refused ? taken : null;
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

  /** Returns a salted hash, so that a memory dump can't be compared with known hashes. */
  #markOf(credential: string): string {
    return hash('sha256', this.#salt + credential, 'base64url');
  }
}
