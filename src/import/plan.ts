import { MAX_SCHEMES, readSchemes } from '../credentials/foreignSchemes.js';
import { nameOf } from '../keys/foreign.js';
import { checkScopes } from '../keys/input.js';
import type { TierTable } from '../limits/tiers.js';
import { Refusal } from '../refusals/refusal.js';
import type { Ceilings } from '../scopes/ceilings.js';
import { PLATFORM } from '../scopes/grammar.js';
import type { KeyRecord } from '../store/records.js';
import type { Store } from '../store/store.js';
import { placeKindOf, PLACE_KINDS, placesInWords } from '../store/places.js';
import { SeenColumns } from './columns.js';
import { conflictOf } from './conflict.js';
import { ImportFault } from './fault.js';
import type { Mapping } from './mapping.js';
import { Owners } from './owners.js';
import { readRow, type RowKey } from './rowKey.js';
import type { Row } from './rows.js';
import { mapScopes } from './scopes.js';

/** Rows of one import. A plan is in memory whole, at about a kilobyte each. */
const MAX_ROWS = 100_000;

/** Names of scopes that are told: more are no scopes, but a column that holds something else. */
const MAX_UNKNOWN = 1_000;

/** A key that an import would make. */
export interface PlannedKey extends Omit<RowKey, 'owner' | 'ended'> {
  readonly line: number;
  /** Ours. */
  readonly scopes: readonly string[];
  readonly workspaceId: string;
  readonly userId: string | null;
}

export interface Problem {
  /** null: of the input as a whole. */
  readonly line: number | null;
  readonly problem: string;
}

/** A key that an import leaves out, and why. */
export interface LeftOut {
  readonly line: number;
  readonly name: string;
  readonly reason: 'expired' | 'disabled' | 'revoked';
  /** Since when, in ms since the epoch; null where the row does not say. */
  readonly at: number | null;
}

/** What an import would do. Nothing is written for it. */
export interface Plan {
  readonly rows: number;
  readonly keys: readonly PlannedKey[];
  /** Taken over by an earlier import. */
  readonly present: number;
  /** Keys that do not work there, and would not here. */
  readonly leftOut: readonly LeftOut[];
  readonly problems: readonly Problem[];
  /** The other system's scopes that the mapping does not name, with how many keys have each. */
  readonly unknownScopes: ReadonlyMap<string, number>;
}

export interface PlanOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces' | 'users'>;
  readonly mapping: Mapping;
  /** Where keys go whose owner has no other. */
  readonly workspaceId: string;
  /** What the guarded schema knows. */
  readonly knownScopes: readonly string[];
  readonly ceilings: Ceilings;
  readonly tiers: TierTable;
  /** ms since the epoch. */
  readonly now: number;
}

/**
 * Reads all rows, and judges each and all of them together.
 * @throws ImportFault where the input cannot be read; StoreUnavailable
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
  /** Lines by lookup id, of this input. */
  readonly #lines = new Map<string, number>();
  #rows = 0;
  #present = 0;
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
  }

  async end(): Promise<Plan> {
    const whole = this.#rows === 0 ? [] : this.#columns.problems(this.#options.mapping);
    whole.push(...(await this.#roomProblems()));
    return {
      rows: this.#rows,
      keys: this.#keys,
      present: this.#present,
      leftOut: this.#leftOut,
      problems: [...whole.map((problem) => ({ line: null, problem })), ...this.#problems],
      unknownScopes: this.#unknownScopes,
    };
  }

  /** @returns what is wrong with the row; null: it was taken, or left out for a reason that is counted */
  async #plan({ line, fields }: Extract<Row, { fields: unknown }>): Promise<string | null> {
    this.#columns.see(fields.keys());
    const { mapping, now, store } = this.#options;
    const read = readRow(fields, mapping, now);
    if ('problem' in read) return read.problem;
    const { owner, ended, ...key } = read;
    const before = this.#lines.get(key.lookupId);
    if (before !== undefined) {
      return `The row is found by the same part of a token as that of line ${before}. Leave one of them out.`;
    }
    this.#lines.set(key.lookupId, line);
    const { name, expiresAt } = key;
    if (ended !== null) return this.#leave({ line, name, ...ended });
    if (expiresAt !== null && expiresAt <= now) return this.#leave({ line, name, reason: 'expired', at: expiresAt });
    const place = await this.#owners.placeOf(owner);
    const found = await store.keys.findForVerification(key.lookupId);
    if (found !== null) return this.#meet(found.key, key, place);
    const scopes = this.#scopesOf(key.scopes);
    if (typeof scopes === 'string') return scopes;
    if ('problem' in place) return place.problem;
    this.#keys.push({ ...key, ...place, scopes, line });
    return null;
  }

  /** Judges a row whose lookup id a key has already. @returns a problem; null: an earlier import took the row over */
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

  /** @returns a problem where it is a text */
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
        .join(', ')}. Say under scopes what each is here; [] is nothing.`;
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

  /** Whether all of it has room, of which no row can tell by itself. */
  async #roomProblems(): Promise<string[]> {
    const { store, tiers, now, mapping } = this.#options;
    if (this.#keys.length === 0) return [];
    const problems: string[] = [];
    const schemes = await readSchemes(store.keys);
    if (schemes.length >= MAX_SCHEMES && !schemes.includes(nameOf(mapping.scheme))) {
      problems.push(
        `Keys were imported in ${MAX_SCHEMES} ways already, and each costs a read. Use the \`lookup\` of one of them.`,
      );
    }
    for (const { id, tier } of this.#owners.workspaces) {
      for (const kind of PLACE_KINDS) {
        const places = tiers[tier][kind];
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
