import { TIER_LIMITS, type TierTable } from '../limits/tiers.js';
import { badInput, notFound, Refusal } from '../refusals/refusal.js';
import { isAlive, type Environment, type KeyRecord, type KeyType, type WorkspaceRecord } from '../store/records.js';
import type { KeyChange, KeyFilter, KeyPage, Store } from '../store/store.js';
import { isPlatform, type Actor } from './actor.js';
import { assertHeld, checkFilter, checkName, checkReason, checkScopes, isId } from './input.js';
import type { KeyMinter, NewKey } from './minter.js';

const DAY = 24 * 60 * 60_000;
const MAX_OVERLAP = 90 * DAY;
const MAX_PAGE = 100;

/** A key with its token, which exists nowhere else. */
export interface IssuedKey {
  readonly key: KeyRecord;
  readonly token: string;
}

export interface CreateKeyInput {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly type: KeyType;
  readonly environment: Environment;
  readonly expiresAt?: number | null;
  readonly workspaceId?: string | null;
}

export interface KeyServiceOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces'>;
  readonly minter: KeyMinter;
  /** What the guarded schema knows. */
  readonly knownScopes: () => readonly string[];
  readonly now: () => number;
  /** Where a tier's places for keys are read. Default: the published table. */
  readonly tiers?: TierTable;
}

/** The life of keys: create, rotate, expire, revoke, update. Every method acts for somebody and reaches no further than they may. */
export class KeyService {
  readonly #store: Pick<Store, 'keys' | 'workspaces'>;
  readonly #minter: KeyMinter;
  readonly #knownScopes: () => readonly string[];
  readonly #now: () => number;
  readonly #tiers: TierTable;

  constructor(options: KeyServiceOptions) {
    this.#store = options.store;
    this.#minter = options.minter;
    this.#knownScopes = options.knownScopes;
    this.#now = options.now;
    this.#tiers = options.tiers ?? TIER_LIMITS;
  }

  /** @throws Refusal BAD_USER_INPUT, SCOPE_NOT_HELD, KEY_LIMIT_REACHED, NOT_FOUND (the workspace), FORBIDDEN */
  async create(actor: Actor, input: CreateKeyInput): Promise<IssuedKey> {
    assertSecretKey(actor);
    const now = this.#now();
    const { type, environment } = input;
    const expiresAt = input.expiresAt ?? null;
    if (expiresAt !== null && expiresAt <= now) {
      throw badInput(
        ['input', 'expiresAt'],
        'The moment has passed. Give one in the future, or none for a key without expiry.',
      );
    }
    const fields = {
      name: checkName(input.name),
      scopes: checkScopes(input.scopes, { type, known: this.#knownScopes(), held: actor.scopes }),
      type,
      environment,
      expiresAt,
      lifetime: expiresAt === null ? null : expiresAt - now,
    };
    const workspace = await this.workspace(actor, input.workspaceId ?? actor.workspaceId);
    const places = this.#tiers[workspace.tier].keys;
    // Asked first, for a bcrypt run costs far more than a read. The insertion is what decides.
    if (places !== null) {
      const living = await this.#store.keys.countFamilies(workspace.id, now);
      if (living >= places) throw keyLimitReached(workspace, places, living);
    }
    const issued = await this.#minter.mint({
      ...fields,
      workspaceId: workspace.id,
      createdBy: actor.keyId,
      createdAt: now,
    });
    const inserted = await this.#store.keys.insert(issued.key, places, this.#now());
    if (inserted.outcome === 'full') throw keyLimitReached(workspace, places ?? 0, inserted.living);
    return issued;
  }

  /** @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, replaced before, overlap), SCOPE_NOT_HELD */
  async rotate(actor: Actor, input: { readonly id: string; readonly overlap: number }): Promise<IssuedKey> {
    assertSecretKey(actor);
    if (input.overlap > MAX_OVERLAP) {
      throw badInput(['input', 'overlap'], 'An overlap is at most 90 days (P90D); PT0S ends the old key at once.');
    }
    const old = await this.#reachable(actor, input.id);
    assertHeld(actor.scopes, old.scopes);
    const now = this.#now();
    if (!isAlive(old, now) || old.replacedBy !== null) throw unchangeable(old, 'rotated');
    const issued = await this.#minter.mint(successorOf(old, actor, now));
    const change = await this.#store.keys.rotate(old.id, old.workspaceId, issued.key, now + input.overlap, now);
    changed(change, 'rotated');
    return issued;
  }

  /** @param input.at a moment that has passed ends the key now @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, replaced) */
  async expire(actor: Actor, input: { readonly id: string; readonly at: number }): Promise<KeyRecord> {
    const now = this.#now();
    const key = await this.#reachable(actor, input.id);
    return changed(await this.#store.keys.expire(key.id, key.workspaceId, Math.max(input.at, now), now), 'expired');
  }

  /** Idempotent. @throws Refusal NOT_FOUND, BAD_USER_INPUT (reason) */
  async revoke(actor: Actor, input: { readonly id: string; readonly reason?: string | null }): Promise<KeyRecord> {
    const reason = checkReason(input.reason);
    const key = await this.#reachable(actor, input.id);
    return changed(await this.#store.keys.revoke(key.id, key.workspaceId, reason, this.#now()), 'revoked');
  }

  /** @throws Refusal NOT_FOUND, BAD_USER_INPUT (ended, name, scopes), SCOPE_NOT_HELD */
  async update(
    actor: Actor,
    input: { readonly id: string; readonly name?: string | null; readonly scopes?: readonly string[] | null },
  ): Promise<KeyRecord> {
    assertSecretKey(actor);
    if (input.name == null && input.scopes == null)
      throw badInput(['input'], 'Give a name, scopes or both: there is nothing to change.');
    const key = await this.#reachable(actor, input.id);
    assertHeld(actor.scopes, key.scopes);
    const change = {
      ...(input.name != null && { name: checkName(input.name) }),
      ...(input.scopes != null && {
        scopes: checkScopes(input.scopes, { type: key.type, known: this.#knownScopes(), held: actor.scopes }),
      }),
    };
    return changed(await this.#store.keys.update(key.id, key.workspaceId, change, this.#now()), 'changed');
  }

  /** @returns null where the actor reaches no such key */
  async find(actor: Actor, id: string): Promise<KeyRecord | null> {
    if (!isId(id)) return null;
    return this.#store.keys.find(id, isPlatform(actor) ? null : actor.workspaceId);
  }

  /** @throws Refusal BAD_USER_INPUT (first, filter), NOT_FOUND (the workspace) */
  async list(
    actor: Actor,
    options: {
      readonly workspaceId: string | null;
      readonly first: number;
      readonly after: { readonly createdAt: number; readonly id: string } | null;
      readonly filter: KeyFilter;
    },
  ): Promise<KeyPage> {
    const { workspaceId, first, after } = options;
    if (first < 1 || first > MAX_PAGE) throw badInput(['first'], `A page has 1 to ${MAX_PAGE} keys.`);
    const filter = checkFilter(options.filter);
    const workspace = await this.workspace(actor, workspaceId ?? actor.workspaceId);
    return this.#store.keys.list(workspace.id, { first, after, filter, now: this.#now() });
  }

  /** A workspace that the actor reaches: their own, or with `platform` any. @throws Refusal NOT_FOUND */
  async workspace(actor: Actor, id: string): Promise<WorkspaceRecord> {
    const reachable = id === actor.workspaceId || isPlatform(actor);
    const workspace = reachable && isId(id) ? await this.#store.workspaces.find(id) : null;
    if (workspace === null) throw notFound('workspace');
    return workspace;
  }

  async #reachable(actor: Actor, id: string): Promise<KeyRecord> {
    const key = await this.find(actor, id);
    if (key === null) throw notFound('key');
    return key;
  }
}

/** CLIENT and READ_ONLY keys make none, whatever they hold. */
function assertSecretKey(actor: Actor): void {
  if (actor.keyType === 'SECRET') return;
  throw new Refusal('Only keys of type SECRET create or change keys.', {
    code: 'FORBIDDEN',
    missing: ['admin'],
    fields: [],
  });
}

/** The new key of a rotation: a lifetime chosen at creation begins anew, an end that is a date stays that date. */
function successorOf(old: KeyRecord, actor: Actor, now: number): NewKey {
  const { workspaceId, familyId, name, scopes, type, environment, lifetime } = old;
  const expiresAt = lifetime === null ? old.expiresAt : now + lifetime;
  return {
    workspaceId,
    familyId,
    name,
    scopes,
    type,
    environment,
    lifetime,
    expiresAt,
    replaces: old.id,
    createdBy: actor.keyId,
    createdAt: now,
  };
}

/** @throws Refusal unless the key was changed */
function changed(change: KeyChange, verb: string): KeyRecord {
  switch (change.outcome) {
    case 'changed':
      return change.key;
    case 'unknown':
      throw notFound('key');
    case 'ended':
    case 'replaced':
      throw unchangeable(change.key, verb);
  }
}

function unchangeable(key: KeyRecord, verb: string): Refusal {
  const path = ['input', 'id'];
  if (key.replacedBy !== null && key.revokedAt === null) {
    return badInput(path, `The key was replaced by ${key.replacedBy} and cannot be ${verb}. Turn to that one.`);
  }
  const state = key.revokedAt !== null ? 'is revoked' : 'has expired';
  return badInput(path, `The key ${state} and cannot be ${verb}. Create a new one.`);
}

function keyLimitReached(workspace: WorkspaceRecord, max: number, current: number): Refusal {
  return new Refusal(
    `The workspace has ${current} of the ${max} keys that ${workspace.tier} allows. Revoke one that is not needed, or ask for a higher tier.`,
    { code: 'KEY_LIMIT_REACHED', max, current },
  );
}
