import { Refusal } from '../errors/refusal.js';
import { missingOf } from '../scopes/grammar.js';
import { meet } from '../scopes/meet.js';
import type { Roles } from '../scopes/roles.js';
import type { Author } from '../store/audit.js';
import { isAlive } from '../store/records.js';
import type { Store } from '../store/store.js';
import { authorOf, type Actor, type Origin } from './actor.js';
import { findConfigured, type ConfiguredRecord } from './configured.js';
import { forfeited } from './lifecycle.js';

interface AuthorsOptions {
  readonly store: Pick<Store, 'keys' | 'users'>;
  /** Scopes that the roles of users grant. Default: none. */
  readonly roles?: (() => Pick<Roles, 'scopesOf'>) | undefined;
  /** Returns the current keys of the configuration. Default: configured keys are not checked again. */
  readonly configured?: (() => readonly ConfiguredRecord[]) | undefined;
  readonly now: () => number;
}

/**
 * Checks the caller's key again before each change. It may have been revoked while the request waited for bcrypt or for
 * earlier changes of the same operation. The operator's key and access tokens have no record that could change.
 */
export class Authors {
  readonly #options: AuthorsOptions;

  constructor(options: AuthorsOptions) {
    this.#options = options;
  }

  /**
   * Returns the author of a change, with the state of their key that was checked. The store compares it when it writes, and
   * rejects the write if the key has changed.
   * @throws Refusal UNAUTHENTICATED, FORBIDDEN
   */
  async judged(actor: Actor, origin?: Origin): Promise<Author> {
    const { store, roles, now } = this.#options;
    const author = authorOf(actor, origin);
    if (actor.kind === 'configured') this.#assertConfigured(actor);
    if (actor.kind !== 'key') return author;
    const key = await store.keys.find(actor.keyId, null);
    // Removed after it had ended.
    if (key === null) throw forfeited('authorEnded');
    const at = now();
    const user = key.userId === null ? null : await store.users.find(key.userId);
    if (key.revokedAt !== null || (user !== null && user.removedAt !== null)) throw forfeited('authorEnded');
    if (!isAlive(key, at)) {
      throw new Refusal('Your key expired while this request ran.', { code: 'UNAUTHENTICATED', reason: 'expired' });
    }
    const held = key.userId === null ? key.scopes : meet(key.scopes, roles?.().scopesOf(user?.roles ?? []) ?? []);
    assertNothingLost(missingOf(held, actor.scopes));
    const { scopes, expiresAt } = key;
    return { ...author, judged: { at, scopes, expiresAt, roles: user?.roles ?? null } };
  }

  /** A reload may have removed the key from the configuration, or roles from the key. @throws Refusal UNAUTHENTICATED, FORBIDDEN */
  #assertConfigured({ keyId, scopes }: Actor): void {
    const { configured } = this.#options;
    if (configured === undefined) return;
    const key = findConfigured(configured(), keyId, null);
    if (key === null) throw forfeited('authorEnded');
    assertNothingLost(missingOf(key.scopes, scopes));
  }

  /**
   * Returns the author of a change that grants nothing, such as a revocation. The store doesn't check the author's key again.
   * @throws Refusal UNAUTHENTICATED, FORBIDDEN
   */
  async present(actor: Actor, origin?: Origin): Promise<Author> {
    await this.judged(actor, origin);
    return authorOf(actor, origin);
  }

  /**
   * Calls `write` with the author. If the author's key changed in the meantime, checks it again and retries once.
   * @param write writes to the store and returns `authorEnded` if the author's key has changed
   * @throws Refusal UNAUTHENTICATED, FORBIDDEN
   */
  async act<T>(
    actor: Actor,
    origin: Origin | undefined,
    write: (author: Author) => Promise<T>,
  ): Promise<Exclude<T, 'authorEnded'>> {
    const first = await write(await this.judged(actor, origin));
    const written = hasEnded(first) ? await write(await this.judged(actor, origin)) : first;
    if (hasEnded(written)) throw forfeited('authorEnded');
    return written as Exclude<T, 'authorEnded'>;
  }
}

function hasEnded(written: unknown): boolean {
  return written === 'authorEnded' || (written as { outcome?: unknown } | null)?.outcome === 'authorEnded';
}

/** @throws Refusal FORBIDDEN */
function assertNothingLost(missing: readonly string[]): void {
  if (missing.length === 0) return;
  const what = missing.join(' and ');
  throw new Refusal(
    `Your key lost ${what} while this request ran, so nothing was changed. Retry if the request doesn't need it.`,
    { code: 'FORBIDDEN', missing, fields: [] },
  );
}
