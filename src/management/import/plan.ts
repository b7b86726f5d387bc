import { MAX_SCHEMES, readSchemes } from '../../core/auth/foreignSchemes.js';
import { nameOf } from '../../core/keys/foreign.js';
import { checkScopes } from '../../core/keys/keyInput.js';
import { rowOf, tierOf, type TierTable } from '../../core/limits/tiers.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Ceilings } from '../../core/scopes/ceilings.js';
import { PLATFORM } from '../../core/scopes/grammar.js';
import type { KeyRecord } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';
import { placeKindOf, PLACE_KINDS, placesInWords } from '../../core/store/places.js';
import { SeenColumns } from './seenColumns.js';
import { conflictOf, repeatedRow } from './conflict.js';
import { ImportFault } from './importFault.js';
import type { Mapping } from './mapping.js';
import { Owners } from './owners.js';
import { readRow, type RowKey } from './rowKey.js';
import type { Row } from './rows.js';
import { mapScopes } from './mapScopes.js';

/** The maximum number of rows. A plan is kept in memory, at about 1 kB per row. */
const MAX_ROWS = 100_000;

/** The maximum number of unknown scopes in the report. If there are more, the column probably contains something else. */
const MAX_UNKNOWN = 1_000;

/** A key that the import would create. */
export interface PlannedKey extends Omit<RowKey, 'owner' | 'ended'> {
  readonly line: number;
  /** Scopes of Latchkey. */
  readonly scopes: readonly string[];
  readonly workspaceId: string;
  readonly userId: string | null;
}

export interface Problem {
  /** null if the problem concerns the whole input. */
  readonly line: number | null;
  readonly problem: string;
}

/** A key that an import leaves out, and why. */
export interface LeftOut {
  readonly line: number;
  readonly name: string;
  /** `removed`: an earlier import created the key, which ended and was removed (`KEEP_ENDED_KEYS`). */
  readonly reason: 'expired' | 'disabled' | 'revoked' | 'removed';
  /** When the key ended, in milliseconds since the epoch; null if unknown. */
  readonly at: number | null;
}

/** The result of reading the input. Nothing was written yet. */
export interface Plan {
  readonly rows: number;
  readonly keys: readonly PlannedKey[];
  /** The number of keys that an earlier import created. */
  readonly present: number;
  /** Keys that no longer work in the other system, or were removed from this one. */
  readonly leftOut: readonly LeftOut[];
  readonly problems: readonly Problem[];
  /** Whether the input has a fault after which rows may have been read wrongly. No row may be imported then. */
  readonly isBlocked: boolean;
  /** Scopes of the other system that the mapping does not contain, with the number of keys that have each. */
  readonly unknownScopes: ReadonlyMap<string, number>;
}

interface PlanOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces' | 'users'>;
  readonly mapping: Mapping;
  /** The workspace for keys whose owner has none in the mapping. */
  readonly workspaceId: string;
  /** The scopes of the guarded schema. */
  readonly knownScopes: readonly string[];
  readonly ceilings: Ceilings;
  readonly tiers: TierTable;
  /** In milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Reads all rows and checks them.
 * @throws ImportFault if the input cannot be read; StoreUnavailable
 */
export async function planImport(rows: AsyncIterable<Row>, options: PlanOptions): Promise<Plan> {
  const planner = new Planner(options);
  for await (const row of rows) await planner.take(row);
  return planner.end();
}

class Planner {
  readonly #options: PlanOptions;
  readonly #owners: Owners;
  readonly #columns = new SeenColumns();
  readonly #keys: PlannedKey[] = [];
  readonly #problems: Problem[] = [];
  readonly #unknownScopes = new Map<string, number>();
  /** Line numbers of this input by lookup ID. */
  readonly #lines = new Map<string, number>();
  #rows = 0;
  #present = 0;
  #isBlocked = false;
  readonly #leftOut: LeftOut[] = [];

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#owners = new Owners(options);
  }

  async take(row: Row): Promise<void> {
    this.#rows += 1;
    if (this.#rows > MAX_ROWS) {
      throw new ImportFault(`The input has more than ${MAX_ROWS} rows. Split it, and import each part.`);
    }
    const { line } = row;
    const problem = 'problem' in row ? row.problem : await this.#plan(row);
    if (problem !== null) this.#problems.push({ line, problem });
    if ('problem' in row && row.blocks === true) this.#isBlocked = true;
  }

  async end(): Promise<Plan> {
    const whole = this.#rows === 0 || this.#isBlocked ? [] : this.#columns.problems(this.#options.mapping);
    whole.push(...(await this.#roomProblems()));
    return {
      rows: this.#rows,
      keys: this.#keys,
      present: this.#present,
      leftOut: this.#leftOut,
      problems: [...whole.map((problem) => ({ line: null, problem })), ...this.#problems],
      isBlocked: this.#isBlocked,
      unknownScopes: this.#unknownScopes,
    };
  }

  /** Adds the key of a row to the plan. @returns a problem; null if the key was added, or left out for a reason in the report */
  async #plan({ line, fields }: Extract<Row, { fields: unknown }>): Promise<string | null> {
    this.#columns.see(fields.keys());
    const { mapping, now, store } = this.#options;
    const read = readRow(fields, mapping, now);
    if ('problem' in read) return read.problem;
    const { owner, ended, ...key } = read;
    const before = this.#lines.get(key.lookupId);
    if (before !== undefined) return repeatedRow(before, mapping.scheme);
    this.#lines.set(key.lookupId, line);
    const { name, expiresAt } = key;
    if (ended !== null) return this.#leave({ line, name, ...ended });
    if (expiresAt !== null && expiresAt <= now) return this.#leave({ line, name, reason: 'expired', at: expiresAt });
    const place = await this.#owners.placeOf(owner);
    const found = await store.keys.findForVerification(key.lookupId);
    if (found !== null) return this.#meet(found.key, key, place);
    // The lookup ID of a removed key stays taken.
    const isTaken = (await store.keys.nextLookupId(key.lookupId)) === key.lookupId;
    if (isTaken) return this.#leave({ line, name, reason: 'removed', at: null });
    const scopes = this.#scopesOf(key.scopes);
    if (typeof scopes === 'string') return scopes;
    if ('problem' in place) return place.problem;
    this.#keys.push({ ...key, ...place, scopes, line });
    return null;
  }

  /** Checks a row whose lookup ID exists already. @returns a problem; null if an earlier import created the key */
  #meet(
    there: KeyRecord,
    { kept }: Pick<RowKey, 'kept'>,
    place: Awaited<ReturnType<Owners['placeOf']>>,
  ): string | null {
    const { mapping, workspaceId: own } = this.#options;
    // If the user was removed after an earlier import, that import was into this workspace.
    const workspaceId = 'problem' in place ? own : place.workspaceId;
    const conflict = conflictOf(there, { kept, workspaceId }, mapping.scheme);
    if (conflict !== null) return 'problem' in place ? place.problem : conflict;
    this.#present += 1;
    return null;
  }

  #leave(key: LeftOut): null {
    this.#leftOut.push(key);
    return null;
  }

  /** Converts scopes. @returns a list of scopes, or a problem as a string */
  #scopesOf(theirs: readonly string[]): readonly string[] | string {
    const { mapping, knownScopes, ceilings } = this.#options;
    const { scopes, unknown } = mapScopes(theirs, mapping);
    for (const name of unknown) {
      const times = this.#unknownScopes.get(name) ?? 0;
      if (times > 0 || this.#unknownScopes.size < MAX_UNKNOWN) this.#unknownScopes.set(name, times + 1);
    }
    if (unknown.length > 0) {
      return `The mapping does not name the scopes ${unknown
        .slice(0, 10)
        .map((name) => JSON.stringify(name.slice(0, 100)))
        .join(', ')}. Add each under scopes, with its scopes in Latchkey; [] drops it.`;
    }
    if (scopes.length === 0) {
      return 'The key has no scopes. Set --default-scopes, or remove the row.';
    }
    try {
      return checkScopes(scopes, { type: mapping.type, known: knownScopes, held: [PLATFORM], ceilings });
    } catch (error) {
      if (error instanceof Refusal) return error.message;
      throw error;
    }
  }

  /** Returns the limits that all keys together would exceed. */
  async #roomProblems(): Promise<string[]> {
    const { store, tiers, now, mapping } = this.#options;
    if (this.#keys.length === 0) return [];
    const problems: string[] = [];
    const schemes = await readSchemes(store.keys);
    if (schemes.length >= MAX_SCHEMES && !schemes.includes(nameOf(mapping.scheme))) {
      problems.push(
        `The imported keys already have ${MAX_SCHEMES} schemes, the maximum. Use the \`lookup\` of one of them.`,
      );
    }
    for (const { id, tier: stored } of this.#owners.workspaces) {
      const tier = tierOf(tiers, stored);
      for (const kind of PLACE_KINDS) {
        const places = rowOf(tiers, tier)[kind];
        const coming = this.#keys.filter((key) => key.workspaceId === id && placeKindOf(key) === kind).length;
        if (places === null || coming === 0) continue;
        const living = await store.keys.countFamilies(id, now, kind);
        if (living + coming <= places) continue;
        problems.push(
          `The workspace ${id} has ${living} of the ${placesInWords(kind, places)} that ${tier} allows, and ${coming} more don't fit. Raise its tier, or import into several workspaces (owners).`,
        );
      }
    }
    return problems;
  }
}
