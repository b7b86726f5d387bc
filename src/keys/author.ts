import { Refusal } from '../refusals/refusal.js';
import { missingOf } from '../scopes/grammar.js';
import { meet } from '../scopes/meet.js';
import type { Roles } from '../scopes/roles.js';
import type { Author } from '../store/audit.js';
import { isAlive } from '../store/records.js';
import type { Store } from '../store/store.js';
import { authorOf, type Actor, type Origin } from './actor.js';
import { findConfigured, type ConfiguredRecord } from './configured.js';
import { forfeited } from './lifecycle.js';

export interface AuthorsOptions {
  readonly store: Pick<Store, 'keys' | 'users'>;
  /** What the roles of users grant. Default: nothing. */
  readonly roles?: (() => Pick<Roles, 'scopesOf'>) | undefined;
  /** Keys of the configuration as they are at the moment. Default: they are not judged again. */
  readonly configured?: (() => readonly ConfiguredRecord[]) | undefined;
  readonly now: () => number;
}

/**
 * Judges the caller's key again before each change: while the request ran, it may have waited for bcrypt or for earlier
 * changes in the same operation. The operator's key and access tokens have no record that could change.
 */
export class Authors {
  readonly #options: AuthorsOptions;

  constructor(options: AuthorsOptions) {
    this.#options = options;
  }

  /** The author with what the store has to find unchanged. @throws Refusal UNAUTHENTICATED, FORBIDDEN */
  async judged(actor: Actor, origin?: Origin): Promise<Author> {
    const { store, roles, now } = this.#options;
    const author = authorOf(actor, origin);
    if (actor.kind === 'configured') this.#assertConfigured(actor);
    const key = actor.kind === 'key' ? await store.keys.find(actor.keyId, null) : null;
    if (key === null) return author;
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

  /** A reload may have taken the key out of the configuration, or roles from it. @throws Refusal UNAUTHENTICATED, FORBIDDEN */
  #assertConfigured({ keyId, scopes }: Actor): void {
    const { configured } = this.#options;
    if (configured === undefined) return;
    const key = findConfigured(configured(), keyId, null);
    if (key === null) throw forfeited('authorEnded');
    assertNothingLost(missingOf(key.scopes, scopes));
  }

  /**
   * Returns the author of a change that gives nobody a right. The store writes it without reading the author's key again.
   * @throws Refusal UNAUTHENTICATED, FORBIDDEN
   */
  async present(actor: Actor, origin?: Origin): Promise<Author> {
    await this.judged(actor, origin);
    return authorOf(actor, origin);
  }

  /**
   * Calls `write` with the author, and once more if the author's key changed in between but may still do it.
   * @param write a write of the store, which answers `authorEnded` if the key changed
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
    `Your key lost ${what} while this request ran, and nothing was changed. Send it again if your key can do without.`,
    { code: 'FORBIDDEN', missing, fields: [] },
  );
}
