import { Refusal } from '../refusals/refusal.js';
import { missingOf } from '../scopes/grammar.js';
import { meet } from '../scopes/meet.js';
import type { Roles } from '../scopes/roles.js';
import type { Author } from '../store/audit.js';
import { isAlive } from '../store/records.js';
import type { Store } from '../store/store.js';
import { authorOf, type Actor, type Origin } from './actor.js';
import { forfeited } from './lifecycle.js';

export interface AuthorsOptions {
  readonly store: Pick<Store, 'keys' | 'users'>;
  /** What the roles of users grant. Default: nothing. */
  readonly roles?: (() => Pick<Roles, 'scopesOf'>) | undefined;
  readonly now: () => number;
}

/**
 * Judges the caller's key again before it gives somebody something: a request may have waited for bcrypt since it was let
 * in. Operators, configured keys and access tokens have no record, and were judged when the request came.
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

  /** Has `act` write as the author; once more where the author changed just then, and may do it all the same. */
  async act<T extends { readonly outcome: string }>(
    actor: Actor,
    origin: Origin | undefined,
    act: (author: Author) => Promise<T>,
  ): Promise<T> {
    const done = await act(await this.judged(actor, origin));
    return done.outcome === 'authorEnded' ? act(await this.judged(actor, origin)) : done;
  }
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
