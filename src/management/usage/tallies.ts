import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import type { CountedOperation } from '../../core/guard/compiledOperation.js';
import { MINUTE } from '../../core/store/periods.js';
import { NONE, OTHER, sumOf } from '../../core/store/usageReport.js';
import type { UsageAddition, UsageCounts } from '../../core/store/records.js';

/** The number of operations that are kept per key and minute. If there are more, they are summed by name and field. */
const MAX_OPERATIONS = 32;

/** The number of guarded fields that are kept per key and minute. Few schemas have more, and callers cannot add any. */
const MAX_FIELDS = 1_000;

/** The number of operation names, and of root fields, that are kept per key and minute. */
const MAX_NAMES = 100;

/** The length of an operation name that is kept. */
const MAX_NAME = 100;

/** Estimates of memory in bytes: a tally, an entry of a map with its counts, and a reference in a list. */
const [BYTES_PER_TALLY, BYTES_PER_ENTRY, BYTES_PER_REFERENCE] = [600, 160, 8];

/** The counts of a key, or of one of its operations. */
type Counts = { -readonly [Name in keyof UsageCounts]: UsageCounts[Name] };

/** The properties of a request's caller by which usage is counted. */
type Counted = Pick<AuthenticatedPrincipal, 'keyId' | 'workspaceId' | 'projectId' | 'userId' | 'externalId'>;

/** The memory of counts that are not written yet. */
interface Memory {
  bytes: number;
  readonly most: number;
}

/** The usage of a key in one minute that is not written yet. */
export class Tally {
  readonly caller: Counted;
  /** The minute, in ms since the epoch. */
  readonly start: number;
  readonly #memory: Memory;
  #isCounted = false;
  /** By operation, which is always the same object for the same operation, so that a request need not sum anything. */
  readonly #operations = new Map<CountedOperation | null, Counts>();
  #names: Map<string, Counts> | null = null;
  #roots: Map<string, Counts> | null = null;
  #fields: Map<string, number> | null = null;
  readonly #total = noCounts();

  constructor(caller: Counted, start: number, memory: Memory) {
    this.caller = caller;
    this.start = start;
    this.#memory = memory;
    memory.bytes += BYTES_PER_TALLY + (caller.externalId?.length ?? 0);
  }

  /** The number of requests that were counted. */
  get counted(): number {
    this.#sum();
    const { requests, limited, forbidden } = this.#total;
    return requests + limited + forbidden;
  }

  /** The number of names and fields in its record. */
  get values(): number {
    this.#sum();
    return (this.#names?.size ?? 0) + (this.#roots?.size ?? 0) + (this.#fields?.size ?? 0);
  }

  /** Whether any request was counted. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  /**
   * Returns the counts of an operation, to add to.
   *
   * @param operation null if the request is not a GraphQL operation
   */
  of(operation: CountedOperation | null): Counts {
    const counts = this.#operations.get(operation);
    return counts ?? this.#begin(operation);
  }

  #begin(operation: CountedOperation | null): Counts {
    this.#isCounted = true;
    if (this.#operations.size >= MAX_OPERATIONS) this.#sum();
    const counts = noCounts();
    this.#operations.set(operation, counts);
    this.#memory.bytes += BYTES_PER_ENTRY + bytesOf(operation);
    return counts;
  }

  /** Returns the records to write. */
  record(): UsageAddition {
    const fields = this.#sum();
    const { caller, start } = this;
    const { keyId, workspaceId, projectId, userId, externalId } = caller;
    // As in the limits of an owner: see core/limits/subjects.ts.
    const ownerId = externalId ?? userId;
    const { queryCost, ...counts } = this.#total;
    const operations = this.#names ?? new Map<string, Counts>();
    const roots = this.#roots ?? new Map<string, Counts>();
    const report = { workspaceId, projectId, ownerId, queryCost, operations, roots };
    return { keyId, start, ...counts, report, ...(fields !== null && { fields }) };
  }

  /** Adds the counts of another tally of this key and minute. */
  add(other: Tally): void {
    this.#isCounted ||= other.isCounted;
    this.#sum();
    for (const [field, count] of other.#sum() ?? []) this.#used(field, count);
    for (const [name, counts] of other.#names ?? []) this.#named(name, counts);
    for (const [root, counts] of other.#roots ?? []) this.#rooted(root, counts);
    addTo(this.#total, other.#total);
  }

  /** Sums the counts of operations by name and by field. From then on, only the names and fields take memory. */
  #sum(): ReadonlyMap<string, number> | null {
    for (const [operation, counts] of this.#operations) {
      this.#memory.bytes -= BYTES_PER_ENTRY + bytesOf(operation);
      addTo(this.#total, counts);
      this.#named(operation?.name ?? NONE, counts);
      for (const root of operation?.roots ?? []) this.#rooted(root, counts);
      if (counts.requests > 0) for (const field of operation?.fields ?? []) this.#used(field, counts.requests);
    }
    this.#operations.clear();
    return this.#fields;
  }

  #named(name: string, counts: UsageCounts): void {
    const names = (this.#names ??= new Map<string, Counts>());
    this.#addNamed(names, name.length > MAX_NAME ? OTHER : name, counts);
  }

  #rooted(root: string, counts: UsageCounts): void {
    this.#addNamed((this.#roots ??= new Map<string, Counts>()), root, counts);
  }

  #addNamed(names: Map<string, Counts>, name: string, counts: UsageCounts): void {
    const isNew = !names.has(name);
    const kept = isNew && name !== OTHER && (names.size >= MAX_NAMES || this.#isMemoryFull) ? OTHER : name;
    const before = names.get(kept);
    if (before !== undefined) {
      addTo(before, counts);
      return;
    }
    names.set(kept, { ...counts });
    this.#memory.bytes += BYTES_PER_ENTRY + 2 * kept.length;
  }

  #used(field: string, count: number): void {
    const fields = (this.#fields ??= new Map<string, number>());
    const before = fields.get(field);
    if (before !== undefined) fields.set(field, before + count);
    else if (fields.size < MAX_FIELDS && !this.#isMemoryFull) {
      fields.set(field, count);
      this.#memory.bytes += BYTES_PER_ENTRY;
    }
  }

  get #isMemoryFull(): boolean {
    return this.#memory.bytes >= this.#memory.most;
  }
}

/** Root fields are separate strings; names come from the document, and fields from the schema. */
function bytesOf(operation: CountedOperation | null): number {
  if (operation === null) return 0;
  const { name, roots, fields } = operation;
  let bytes = 2 * (name?.length ?? 0) + BYTES_PER_REFERENCE * fields.length;
  for (const root of roots) bytes += BYTES_PER_REFERENCE + 2 * root.length;
  return bytes;
}

function noCounts(): Counts {
  return { requests: 0, cost: 0, queryCost: 0, limited: 0, forbidden: 0 };
}

function addTo(counts: Counts, added: UsageCounts): void {
  counts.requests += added.requests;
  counts.cost += added.cost;
  counts.queryCost = sumOf(counts.queryCost, added.queryCost);
  counts.limited += added.limited;
  counts.forbidden += added.forbidden;
}

/** The maximum of pairs of key and minute, and of their memory in bytes. */
interface TalliesOptions {
  readonly most: number;
  readonly mostBytes: number;
}

/** The counts by minute and key, with a maximum number and memory. */
export class Tallies {
  readonly #most: number;
  readonly #memory: Memory;
  readonly #minutes = new Map<number, Map<string, Tally>>();
  #size = 0;
  /** The last minute. It is the same for thousands of consecutive requests, and costs two comparisons. */
  #minute = new Map<string, Tally>();
  #from = 0;
  #to = 0;

  constructor({ most, mostBytes }: TalliesOptions) {
    this.#most = most;
    this.#memory = { bytes: 0, most: mostBytes };
  }

  get size(): number {
    return this.#size;
  }

  /** An estimate of the memory, in bytes. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  get isFull(): boolean {
    return this.#size >= this.#most || this.#memory.bytes >= this.#memory.most;
  }

  /**
   * @param at any moment of the minute
   * @returns null if the maximum is reached
   */
  of(caller: Counted, at: number): Tally | null {
    if (at < this.#from || at >= this.#to) this.#turnTo(at);
    return this.#minute.get(caller.keyId) ?? this.#begin(caller);
  }

  all(): Tally[] {
    return [...this.#minutes.values()].flatMap((minute) => [...minute.values()]);
  }

  #begin(caller: Counted): Tally | null {
    if (this.isFull) return null;
    const { keyId, workspaceId, projectId, userId, externalId } = caller;
    const owner = { userId, ...(externalId !== undefined && { externalId }) };
    // Not the principal itself, which is much larger.
    const tally = new Tally({ keyId, workspaceId, projectId, ...owner }, this.#from, this.#memory);
    this.#minute.set(keyId, tally);
    this.#size += 1;
    return tally;
  }

  #turnTo(at: number): void {
    this.#from = Math.floor(at / MINUTE) * MINUTE;
    this.#to = this.#from + MINUTE;
    const known = this.#minutes.get(this.#from);
    this.#minute = known ?? new Map<string, Tally>();
    if (known === undefined) this.#minutes.set(this.#from, this.#minute);
  }
}
