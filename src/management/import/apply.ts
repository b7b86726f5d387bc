import { BcryptGate } from '../../core/keys/bcryptGate.js';
import { newId } from '../../core/keys/minter.js';
import type { Peppers } from '../../core/keys/pepper.js';
import { placesOf } from '../../core/limits/tierPlaces.js';
import type { TierTable } from '../../core/limits/tiers.js';
import type { Author } from '../../core/store/audit.js';
import { Duplicate, StoreUnavailable } from '../../core/store/storeErrors.js';
import { INITIAL, type ImportedField } from '../../core/store/keyFields.js';
import type { KeyRecord } from '../../core/store/records.js';
import type { Insertion } from '../../core/store/keyStore.js';
import type { Store } from '../../core/store/store.js';
import { conflictOf } from './conflict.js';
import type { Mapping } from './mapping.js';
import type { PlannedKey, Problem } from './plan.js';

/** The bcrypt cost for the digest of a token. A higher cost would not help: a guessed token can be checked by its locator. */
const COST = 4;

/** The problem of a key that was created, ended and was removed after the plan was made. */
const REMOVED = 'The key was imported before, ended and was removed (KEEP_ENDED_KEYS). Create a new key instead.';

/** The operator, because only an operator has access to the store and the pepper. */
const AUTHOR: Author = Object.freeze({ kind: 'operator', id: 'operator', address: null, userAgent: 'latchkey import' });

interface ApplyOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces'>;
  readonly mapping: Pick<Mapping, 'scheme' | 'type' | 'environment'>;
  /** null: no digests are stored, so bcrypt verifies a key at its first use. */
  readonly peppers: Peppers | null;
  readonly tiers: TierTable;
  readonly now: () => number;
  /** Called after each key. */
  readonly onProgress?: (done: number, of: number) => void;
}

export interface Applied {
  readonly imported: number;
  /** Keys that another import created in the meantime. */
  readonly present: number;
  readonly problems: readonly Problem[];
}

/**
 * Writes the planned keys, each atomically with its audit entry. Existing keys are skipped, so an interrupted import can be run
 * again.
 * @throws ImportStopped if the store fails
 */
export async function applyImport(keys: readonly PlannedKey[], options: ApplyOptions): Promise<Applied> {
  const gate = new BcryptGate({ cost: COST });
  const problems: Problem[] = [];
  let imported = 0;
  let present = 0;
  for (const [i, planned] of keys.entries()) {
    const key = await recordOf(planned, gate, options);
    const outcome = await insertOrStop(key, planned, options, { done: i, of: keys.length });
    if (typeof outcome === 'object') {
      problems.push({ line: planned.line, ...outcome });
      options.onProgress?.(i + 1, keys.length);
      continue;
    }
    switch (outcome) {
      case 'inserted':
        imported += 1;
        break;
      case 'present':
        present += 1;
        break;
      case 'userLeft':
      case 'authorEnded':
        problems.push({
          line: planned.line,
          problem: `The user ${key.userId} was removed from the workspace. Remove the owner.`,
        });
        break;
      case 'full':
        problems.push({ line: planned.line, problem: `The workspace ${key.workspaceId} has no room for more keys.` });
        break;
      default:
        problems.push({ line: planned.line, problem: 'The store returned an unknown outcome.' });
    }
    options.onProgress?.(i + 1, keys.length);
  }
  return { imported, present, problems };
}

/** The error of an import during which the store failed. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';
  override readonly cause: StoreUnavailable;
  readonly done: number;
  readonly of: number;

  constructor(done: number, of: number, cause: StoreUnavailable) {
    super(`The import stopped after ${done} of ${of} keys.`, { cause });
    this.cause = cause;
    this.done = done;
    this.of = of;
  }
}

/** @throws ImportStopped */
async function insertOrStop(
  key: KeyRecord,
  planned: PlannedKey,
  options: ApplyOptions,
  { done, of }: { readonly done: number; readonly of: number },
): ReturnType<typeof insert> {
  try {
    return await insert(key, planned, options);
  } catch (error) {
    throw error instanceof StoreUnavailable ? new ImportStopped(done, of, error) : error;
  }
}

async function insert(
  key: KeyRecord,
  { kept }: PlannedKey,
  { store, tiers, now, mapping }: ApplyOptions,
): Promise<Insertion['outcome'] | 'present' | { readonly problem: string }> {
  if ((await store.workspaces.find(key.workspaceId)) === null) return 'full';
  try {
    return (await store.keys.insert(key, placesOf(tiers), now(), AUTHOR)).outcome;
  } catch (error) {
    if (!(error instanceof Duplicate && error.what === 'key.lookupId')) throw error;
    const there = await store.keys.findForVerification(key.lookupId);
    if (there === null) return { problem: REMOVED };
    // Another import created this key after the plan was made.
    const problem = conflictOf(there.key, { kept, workspaceId: key.workspaceId }, mapping.scheme);
    return problem === null ? 'present' : { problem };
  }
}

async function recordOf(
  { lookupId, kept, shown, name, scopes, workspaceId, userId, expiresAt, createdAt }: PlannedKey,
  gate: BcryptGate,
  { mapping, peppers, now }: ApplyOptions,
): Promise<KeyRecord> {
  const ofDigest = mapping.scheme.kind === 'sha256';
  const { type, environment } = mapping;
  const carried: Pick<KeyRecord, ImportedField> = {
    id: newId('key'),
    familyId: newId('fam'),
    workspaceId,
    userId,
    lookupId,
    tokenPrefix: shown,
    // A bcrypt hash is stored unchanged. At the first use, its digest is stored, so that bcrypt is not needed again.
    secretHash: ofDigest ? await gate.hash(kept) : kept,
    digest: ofDigest ? (peppers?.digest(kept) ?? null) : null,
    name,
    type,
    environment,
    scopes,
    createdAt: Math.min(createdAt ?? now(), now()),
    createdBy: 'operator',
    expiresAt,
    // The chosen lifetime is unknown, so a rotation keeps the date of expiry.
    lifetime: null,
  };
  return { ...INITIAL, ...carried };
}
