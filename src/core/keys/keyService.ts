import { addToMoment } from '../../shared/dates/moments.js';
import { badInput, notFound, type Refusal } from '../errors/refusal.js';
import { placesOf } from '../limits/tierPlaces.js';
import { rowOf, TIER_LIMITS, type TierTable } from '../limits/tiers.js';
import { OWN_CEILINGS, type Ceilings } from '../scopes/ceilings.js';
import { PLATFORM } from '../scopes/grammar.js';
import type { Roles } from '../scopes/roles.js';
import type { Author } from '../store/audit.js';
import type { ChosenFields } from '../store/keyFields.js';
import type { Insertion, KeyChange, PlaceKind, Places } from '../store/keyStore.js';
import { countsByKind, placeKindOf } from '../store/places.js';
import { isAlive, type KeyRecord, type KeyType, type WorkspaceRecord } from '../store/records.js';
import type { Store } from '../store/store.js';
import type { Actor, Origin } from './actor.js';
import { Authors } from './author.js';
import { isConfigured, standsInConfiguration } from './configured.js';
import { assertHeld, checkExternalId, checkReason, checkScopes, checkTrustedDocuments, isId } from './keyInput.js';
import { KeyReader, type KeyReaderOptions } from './keyReader.js';
import {
  assertChanges,
  checkChanges,
  checkNewValues,
  valueChecks,
  type UpdatedValues,
  type ValueChecks,
} from './keyValues.js';
import type { KnownScopes } from './knownScopes.js';
import {
  assertWithin,
  changed,
  forfeited,
  keyLimitReached,
  successorOf,
  unchangeable,
  type Verb,
} from './lifecycle.js';
import type { KeyMinter, NewKey } from './minter.js';
import { Reading, atPosition } from './severalInputs.js';
import { assertMayProlong, assertSecretKey, loosens, prolongs } from './widening.js';

const DAY = 24 * 60 * 60_000;
const MAX_OVERLAP = 90 * DAY;
/** The maximum number of attempts to change a key that others keep changing. */
const MAX_ATTEMPTS = 5;

/** The number of keys that one call can create. */
const MAX_CREATED = 1_000;

/** A key with its token, which exists nowhere else. */
export interface IssuedKey {
  readonly key: KeyRecord;
  readonly token: string;
}

/**
 * The fields of a new key. Default: the caller's workspace and project (a caller that is restricted to a project can only
 * create keys of that project), no user, and no restrictions. For `trustedDocuments` see {@link checkTrustedDocuments}.
 */
export type CreateKeyInput = ChosenFields;

/** The new values of fields. Absent fields and null stay as they are. */
export interface UpdateKeyInput extends UpdatedValues {
  readonly id: string;
}

/** The number of keys of one call that wait for bcrypt at the same time. */
const MINTED_TOGETHER = 10;

/** A new key whose input was checked. */
interface Drafted {
  readonly workspace: WorkspaceRecord;
  readonly chosen: NewKey;
}

/** The parts of the store that the service uses. */
type KeyServiceStore = Pick<Store, 'keys' | 'workspaces' | 'projects' | 'users'>;

interface KeyServiceOptions extends KeyReaderOptions {
  readonly store: KeyServiceStore;
  readonly minter: KeyMinter;
  /** The scopes that keys can have. */
  readonly knownScopes: Pick<KnownScopes, 'names' | 'learn'>;
  /** The maximum numbers of keys by tier. Default: the published table. */
  readonly tiers?: TierTable;
  /** Returns the maximum scopes by key type. Default: the built-in ones. */
  readonly ceilings?: () => Ceilings;
  /** Scopes that the roles of users grant. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
}

/** Creates, rotates, expires, revokes and updates keys, and finds them. Each method acts for an actor and checks their permissions. */
export class KeyService extends KeyReader {
  readonly #store: KeyServiceStore;
  readonly #minter: KeyMinter;
  readonly #knownScopes: KeyServiceOptions['knownScopes'];
  readonly #now: () => number;
  readonly #authors: Authors;
  readonly #tiers: TierTable;
  readonly #ceilings: () => Ceilings;

  constructor(options: KeyServiceOptions) {
    super(options);
    this.#store = options.store;
    this.#minter = options.minter;
    this.#knownScopes = options.knownScopes;
    this.#now = options.now;
    this.#authors = new Authors(options);
    this.#tiers = options.tiers ?? TIER_LIMITS;
    this.#ceilings = options.ceilings ?? (() => OWN_CEILINGS);
  }

  get #places(): Places {
    return placesOf(this.#tiers);
  }

  /**
   * Creates a key.
   * @throws Refusal BAD_USER_INPUT, SCOPE_NOT_HELD, KEY_LIMIT_REACHED, NOT_FOUND (workspace, project, user), FORBIDDEN
   */
  async create(actor: Actor, input: CreateKeyInput, origin?: Origin): Promise<IssuedKey> {
    assertSecretKey(actor);
    await this.#knownScopes.learn(input.scopes);
    const drafted = await this.#draft(actor, input, this.#now());
    await this.#assertRoom([drafted]);
    const issued = await this.#minter.mint(drafted.chosen);
    const inserted = await this.#authors.act(actor, origin, (author) =>
      this.#store.keys.insert(issued.key, this.#places, this.#now(), author),
    );
    await this.#assertInserted(inserted, actor, [drafted]);
    return issued;
  }

  /**
   * Creates keys of one workspace: all, or none. If any input is invalid, nothing is hashed.
   *
   * @param inputs at most {@link MAX_CREATED}
   * @param admit called before each group of keys is hashed, with their number. Rejects to create none
   * @throws Refusal as {@link create}, with the position of the input in its path
   */
  async createMany(
    actor: Actor,
    inputs: readonly CreateKeyInput[],
    { origin, admit }: { readonly origin?: Origin | undefined; readonly admit: (count: number) => Promise<void> },
  ): Promise<readonly IssuedKey[]> {
    assertSecretKey(actor);
    if (inputs.length === 0 || inputs.length > MAX_CREATED) {
      throw badInput(['input'], `One call creates 1 to ${MAX_CREATED} keys. Send the others in another call.`);
    }
    const now = this.#now();
    await this.#knownScopes.learn([...new Set(inputs.flatMap(({ scopes }) => scopes))]);
    const reading = new Reading();
    const drafted: Drafted[] = [];
    for (const [i, input] of inputs.entries()) {
      drafted.push(await atPosition(i, () => this.#draft(actor, input, now, reading)));
      if (drafted[i]?.workspace.id !== drafted[0]?.workspace.id) {
        throw badInput(
          ['input', i, 'workspaceId'],
          'All keys of a call are in one workspace. Send the others in another call.',
        );
      }
    }
    await this.#assertRoom(drafted);
    const issued = await this.#mintAll(drafted, admit);
    const keys = issued.map(({ key }) => key);
    const inserted = await this.#authors.act(actor, origin, (author) =>
      this.#store.keys.insertMany(keys, this.#places, this.#now(), author),
    );
    await this.#assertInserted(inserted, actor, drafted);
    return issued;
  }

  /** Hashes keys in groups, so that a call never has more runs of bcrypt in the queue than one group. */
  async #mintAll(drafted: readonly Drafted[], admit: (count: number) => Promise<void>): Promise<IssuedKey[]> {
    const issued: IssuedKey[] = [];
    for (let i = 0; i < drafted.length; i += MINTED_TOGETHER) {
      const group = drafted.slice(i, i + MINTED_TOGETHER);
      await admit(group.length);
      issued.push(...(await Promise.all(group.map(({ chosen }) => this.#minter.mint(chosen)))));
    }
    return issued;
  }

  /** Checks the input of a new key. @param reading shared by the inputs of a call, so that each record is read once */
  async #draft(actor: Actor, input: CreateKeyInput, now: number, reading = new Reading()): Promise<Drafted> {
    const { type, environment } = input;
    const expiresAt = input.expiresAt ?? null;
    if (expiresAt !== null && expiresAt <= now) {
      throw badInput(
        ['input', 'expiresAt'],
        'This time has passed. Give a time in the future, or omit expiresAt for a key that does not expire.',
      );
    }
    const lifetime = expiresAt === null ? null : expiresAt - now;
    const checked = checkNewValues(input, this.#checks(actor, type));
    const fields = { ...checked, type, environment, expiresAt, lifetime };
    const workspaceId = input.workspaceId ?? actor.workspaceId;
    const workspace = await reading.once(`workspace ${workspaceId}`, () => this.workspace(actor, workspaceId));
    const wanted = input.projectId ?? null;
    const projectId = await reading.once(`project ${wanted ?? ''}`, () =>
      this.#projectFor(actor, workspace.id, wanted),
    );
    if (projectId !== null) assertBindable(fields.scopes);
    const owner = input.userId ?? null;
    const userId = await reading.once(`user ${owner ?? ''}`, () => this.#userFor(workspace.id, owner));
    const externalId = checkExternalId(input.externalId ?? null);
    const of = { workspaceId: workspace.id, projectId, userId, externalId };
    return { workspace, chosen: { ...fields, ...of, createdBy: actor.keyId, createdAt: now } };
  }

  /**
   * Checks that new keys of one workspace have places. An early check, because a bcrypt run costs far more than a read.
   * The insertion checks the limit again and decides.
   */
  async #assertRoom(drafted: readonly Drafted[]): Promise<void> {
    const [first] = drafted;
    if (first === undefined) return;
    const { id, tier } = first.workspace;
    for (const [kind, needed] of countsByKind(drafted.map(({ chosen }) => chosen))) {
      const places = rowOf(this.#tiers, tier)[kind];
      if (places === null) continue;
      const living = await this.#store.keys.countFamilies(id, this.#now(), kind);
      if (living + needed > places) throw keyLimitReached(tier, kind, places, living);
    }
  }

  /** @throws Refusal unless the keys were inserted */
  async #assertInserted(inserted: Insertion, actor: Actor, [first]: readonly Drafted[]): Promise<void> {
    switch (inserted.outcome) {
      case 'inserted':
        return;
      case 'full': {
        if (first === undefined) return;
        throw await this.#full(actor, first.workspace.id, placeKindOf(first.chosen), inserted.living);
      }
      case 'userLeft':
      case 'authorEnded':
        throw forfeited(inserted.outcome);
      // A custom store may return anything.
      default:
        throw new Error('The store returned an unknown outcome. The key may not have been created.');
    }
  }

  /**
   * Creates a key that replaces another one. The old key expires after the overlap, in milliseconds.
   * @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, already replaced, overlap), SCOPE_NOT_HELD, FORBIDDEN, UNAVAILABLE
   */
  async rotate(
    actor: Actor,
    input: { readonly id: string; readonly overlap: number },
    origin?: Origin,
  ): Promise<IssuedKey> {
    assertSecretKey(actor);
    if (input.overlap > MAX_OVERLAP) {
      throw badInput(['input', 'overlap'], 'The maximum overlap is 90 days (P90D). PT0S ends the old key immediately.');
    }
    const made: { issued?: IssuedKey } = {};
    await this.#change(actor, input.id, 'rotated', async (old, now) => {
      assertHeld(actor.scopes, old.scopes);
      if (old.replacedBy !== null) throw unchangeable(old, 'rotated', 'replaced');
      if (!isAlive(old, now)) throw unchangeable(old, 'rotated', 'ended');
      assertWithin(this.#ceilings(), old);
      made.issued = await this.#minter.mint(successorOf(old, actor, now));
      const { key } = made.issued;
      const overlapEnd = addToMoment(now, input.overlap);
      return this.#authors.act(actor, origin, (author) =>
        this.#store.keys.rotate(
          old.id,
          old.workspaceId,
          { successor: key, overlapEnd },
          { at: now, author, judged: old },
        ),
      );
    });
    if (made.issued === undefined) throw new Error('The rotation created no key.');
    return made.issued;
  }

  /**
   * Sets when a key expires. An earlier time requires the same permission as revoking it; for a later time see
   * {@link assertMayProlong}.
   * @param input.at a time in the past means now
   * @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, replaced, ceiling), SCOPE_NOT_HELD, FORBIDDEN, UNAVAILABLE
   */
  async expire(actor: Actor, input: { readonly id: string; readonly at: number }, origin?: Origin): Promise<KeyRecord> {
    return this.#change(actor, input.id, 'expired', async (key, now) => {
      const at = Math.max(input.at, now);
      const write = (author: Author) =>
        this.#store.keys.expire(key.id, key.workspaceId, at, { at: now, author, judged: key });
      if (!isAlive(key, now) || !prolongs(key, at)) return write(await this.#authors.present(actor, origin));
      assertMayProlong(actor, key, this.#ceilings());
      return this.#authors.act(actor, origin, write);
    });
  }

  /** Revokes a key. Idempotent. @throws Refusal NOT_FOUND, BAD_USER_INPUT (reason) */
  async revoke(
    actor: Actor,
    input: { readonly id: string; readonly reason?: string | null },
    origin?: Origin,
  ): Promise<KeyRecord> {
    const reason = checkReason(input.reason);
    const { id, workspaceId } = await this.#reachable(actor, input.id);
    const author = await this.#authors.present(actor, origin);
    return changed(await this.#store.keys.revoke(id, workspaceId, reason, { at: this.#now(), author }), 'revoked');
  }

  /**
   * Changes a key. Missing fields stay as they are.
   * @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, name, scopes, addresses, documents), SCOPE_NOT_HELD, FORBIDDEN,
   * KEY_LIMIT_REACHED (if the new scopes count towards another limit), UNAVAILABLE
   */
  async update(actor: Actor, input: UpdateKeyInput, origin?: Origin): Promise<KeyRecord> {
    assertSecretKey(actor);
    checkTrustedDocuments(input.trustedDocuments);
    assertChanges(input);
    await this.#knownScopes.learn(input.scopes ?? []);
    return this.#change(actor, input.id, 'changed', async (key, now) => {
      assertHeld(actor.scopes, key.scopes);
      const change = checkChanges(input, this.#checks(actor, key.type));
      if (key.projectId !== null && change.scopes !== undefined) assertBindable(change.scopes);
      if (loosens(key, change)) assertWithin(this.#ceilings(), { ...key, ...change });
      const { id, workspaceId } = key;
      const updated = await this.#authors.act(actor, origin, (author) =>
        this.#store.keys.update(id, workspaceId, change, { at: now, author, judged: key, places: this.#places }),
      );
      if (updated.outcome !== 'full') return updated;
      throw await this.#full(actor, workspaceId, placeKindOf({ ...key, ...change }), updated.living);
    });
  }

  /** Returns the refusal for a full workspace. Reads the tier again, because it may have changed. */
  async #full(actor: Actor, workspaceId: string, kind: PlaceKind, living: number): Promise<Refusal> {
    const { tier } = await this.workspace(actor, workspaceId);
    return keyLimitReached(tier, kind, rowOf(this.#tiers, tier)[kind] ?? living, living);
  }

  /** Returns the project of a new key. @throws Refusal NOT_FOUND */
  async #projectFor(actor: Actor, workspaceId: string, wanted: string | null): Promise<string | null> {
    const id = wanted ?? actor.projectId;
    if (id === null) return null;
    const reachable = isId(id) && (actor.projectId === null || actor.projectId === id);
    const project = reachable ? await this.#store.projects.find(id) : null;
    if (project?.workspaceId !== workspaceId) throw notFound('project');
    return id;
  }

  /** Returns the user of a new key. @throws Refusal NOT_FOUND, even for a removed user */
  async #userFor(workspaceId: string, id: string | null): Promise<string | null> {
    if (id === null) return null;
    const user = isId(id) ? await this.#store.users.find(id) : null;
    if (user?.workspaceId !== workspaceId || user.removedAt !== null) throw notFound('user');
    return id;
  }

  /**
   * Reads a key and calls `act` to check and write the change. Retries if another request changed the key in between.
   * @throws Refusal UNAVAILABLE after {@link MAX_ATTEMPTS}
   */
  async #change(
    actor: Actor,
    id: string,
    verb: Verb,
    act: (key: KeyRecord, now: number) => Promise<KeyChange>,
  ): Promise<KeyRecord> {
    for (let attempts = 1; ; attempts++) {
      const change = await act(await this.#reachable(actor, id), this.#now());
      if (change.outcome !== 'moved' || attempts === MAX_ATTEMPTS) return changed(change, verb);
    }
  }

  async #reachable(actor: Actor, id: string): Promise<KeyRecord> {
    const key = await this.find(actor, id);
    if (key === null) throw notFound('key');
    if (isConfigured(key)) throw standsInConfiguration();
    return key;
  }

  #checks(actor: Actor, type: KeyType): ValueChecks {
    const limits = { type, known: this.#knownScopes.names, held: actor.scopes, ceilings: this.#ceilings() };
    return valueChecks((wanted) => checkScopes(wanted, limits));
  }
}

/** Refuses `platform`, which gives access to all workspaces, for a key of one project. @throws Refusal BAD_USER_INPUT */
function assertBindable(scopes: readonly string[]): void {
  if (!scopes.includes(PLATFORM)) return;
  throw badInput(
    ['input', 'scopes'],
    "A key that is restricted to a project can't have the scope platform. Remove one of them.",
  );
}
