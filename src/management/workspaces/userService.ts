import type { Actor, Origin } from '../../core/keys/actor.js';
import { Authors } from '../../core/keys/author.js';
import type { ConfiguredRecord } from '../../core/keys/configured.js';
import { assertHeld, checkExternalId, checkName, isId } from '../../core/keys/keyInput.js';
import { forfeited } from '../../core/keys/lifecycle.js';
import { newId } from '../../core/keys/minter.js';
import { badInput, notFound, unavailable } from '../../core/errors/refusal.js';
import type { Roles } from '../../core/scopes/roles.js';
import type { UserRecord } from '../../core/store/records.js';
import type { Author } from '../../core/store/audit.js';
import type { Store } from '../../core/store/store.js';
import { checkPage, pageOf, type After, type Page } from '../schema/pageConnection.js';
import { assertReachesAll } from './reach.js';

const MAX_ROLES = 20;
/** The number of keys that are revoked together. */
const KEYS_AT_ONCE = 100;
/** The number of attempts if others keep changing the user. */
const MAX_ATTEMPTS = 5;

interface UserServiceOptions {
  readonly store: Pick<Store, 'users' | 'keys'>;
  /** The current state. */
  readonly roles: () => Roles;
  /** The keys in the configuration. Default: they are not checked again after authorization. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly now: () => number;
}

/** The users of a workspace. The keys of a user can only do what the user's roles allow. */
export class UserService {
  readonly #options: UserServiceOptions;
  readonly #authors: Authors;

  constructor(options: UserServiceOptions) {
    this.#options = options;
    this.#authors = new Authors(options);
  }

  /**
   * Adds a user.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), BAD_USER_INPUT (name, roles), SCOPE_NOT_HELD
   */
  async add(
    actor: Actor,
    input: { readonly name: string; readonly roles: readonly string[]; readonly externalId?: string | null },
    origin?: Origin,
  ): Promise<UserRecord> {
    assertReachesAll(actor);
    const user: UserRecord = {
      id: newId('usr'),
      workspaceId: actor.workspaceId,
      name: checkName(input.name),
      roles: this.#checkRoles(actor, input.roles),
      externalId: checkExternalId(input.externalId ?? null),
      createdAt: this.#options.now(),
      removedAt: null,
    };
    await this.#options.store.users.add(user, await this.#authors.present(actor, origin));
    return user;
  }

  /**
   * Changes a user.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), NOT_FOUND, BAD_USER_INPUT (name, roles), SCOPE_NOT_HELD
   */
  async update(
    actor: Actor,
    input: {
      readonly id: string;
      readonly name?: string | null;
      readonly roles?: readonly string[] | null;
      readonly externalId?: string | null;
    },
    origin?: Origin,
  ): Promise<UserRecord> {
    if (input.name == null && input.roles == null && input.externalId == null) {
      await this.#reachable(actor, input.id);
      throw badInput(['input'], 'Set a name, roles or an external ID: there is nothing to change.');
    }
    const { users } = this.#options.store;
    return this.#change(actor, input.id, (user, now) => {
      const change = {
        ...(input.name != null && { name: checkName(input.name) }),
        ...(input.roles != null && { roles: this.#checkRoles(actor, input.roles) }),
        ...(input.externalId != null && { externalId: checkExternalId(input.externalId) }),
      };
      return this.#authors.act(actor, origin, (author) =>
        users.update(user.id, user.workspaceId, change, { at: now, author, judged: user }),
      );
    });
  }

  /**
   * Removes a user permanently and revokes their keys. The keys are rejected after the first write, even if later ones
   * fail; another call completes them.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), NOT_FOUND, SCOPE_NOT_HELD, UNAVAILABLE
   */
  async remove(actor: Actor, id: string, origin?: Origin): Promise<UserRecord> {
    // Checked once: a user who removes themselves loses the key of this request before other keys.
    const author = await this.#authors.present(actor, origin);
    const { users } = this.#options.store;
    const removed = await this.#change(actor, id, (user, now) =>
      users.remove(user.id, user.workspaceId, { at: now, author, judged: user }),
    );
    await this.#revokeKeysOf(removed, author);
    return removed;
  }

  /** Repeated until none is active, because a pending rotation may have created another key in the meantime. */
  async #revokeKeysOf(user: UserRecord, author: Author): Promise<void> {
    const { store, now } = this.#options;
    const filter = { userId: user.id, status: 'ACTIVE' } as const;
    for (;;) {
      const { keys } = await store.keys.list(user.workspaceId, {
        first: KEYS_AT_ONCE,
        after: null,
        filter,
        now: now(),
      });
      if (keys.length === 0) return;
      const ids = keys.map(({ id }) => id);
      await store.keys.revokeMany(ids, user.workspaceId, 'The user was removed from the workspace.', {
        at: now(),
        author,
      });
    }
  }

  /**
   * Reads a user, calls `act` to write, and starts again if the user's roles were changed in between. Nobody
   * can change a user with more scopes, not even to reduce the roles.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), NOT_FOUND, SCOPE_NOT_HELD, UNAVAILABLE
   */
  async #change(
    actor: Actor,
    id: string,
    act: (user: UserRecord, now: number) => Promise<UserRecord | 'moved' | 'authorEnded' | null>,
  ): Promise<UserRecord> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const user = await this.#reachable(actor, id);
      assertHeld(actor.scopes, this.#options.roles().scopesOf(user.roles));
      const changed = await act(user, this.#options.now());
      if (changed === null) throw notFound('user');
      if (changed === 'authorEnded') throw forfeited(changed);
      if (changed !== 'moved') return changed;
    }
    throw unavailable('Another request is changing the user. Try again.', 1);
  }

  /**
   * Returns a user, including removed ones; null if there is none.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project)
   */
  async find(actor: Actor, id: string): Promise<UserRecord | null> {
    assertReachesAll(actor);
    return this.ownerOf(actor, id);
  }

  /** Returns the owner of a key that the actor has access to, in any project; null if none. */
  async ownerOf({ workspaceId }: Actor, id: string): Promise<UserRecord | null> {
    const user = isId(id) ? await this.#options.store.users.find(id) : null;
    return user?.workspaceId === workspaceId ? user : null;
  }

  /** {@link ownerOf} for several ids, by id, without unknown ones. */
  async ownersOf({ workspaceId }: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, UserRecord>> {
    const known = ids.filter(isId);
    const found = known.length === 0 ? [] : await this.#options.store.users.findMany(known);
    return new Map(found.filter((each) => each.workspaceId === workspaceId).map((each) => [each.id, each]));
  }

  /**
   * Lists users, oldest first, without removed ones.
   *
   * @throws {@link Refusal} BAD_USER_INPUT (first)
   */
  async list(actor: Actor, first: number, after: After | null): Promise<Page<UserRecord>> {
    assertReachesAll(actor);
    checkPage(first);
    return pageOf(await this.#options.store.users.list(actor.workspaceId, { first: first + 1, after }), first, after);
  }

  async #reachable(actor: Actor, id: string): Promise<UserRecord> {
    const user = await this.find(actor, id);
    if (user === null) throw notFound('user');
    return user;
  }

  #checkRoles(actor: Actor, wanted: readonly string[]): string[] {
    const roles = this.#options.roles();
    const path = ['input', 'roles'];
    if (wanted.length > MAX_ROLES) throw badInput(path, `A user has at most ${MAX_ROLES} roles.`);
    wanted.forEach((role, i) => {
      if (roles.has(role)) return;
      throw badInput([...path, i], `Unknown role. Known roles: ${roles.names.join(', ')}.`, {
        known: roles.names,
      });
    });
    assertHeld(actor.scopes, roles.scopesOf(wanted));
    return [...new Set(wanted)];
  }
}
