import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { parseScope } from '../scopes/grammar.js';
import { DAY } from '../store/periods.js';
import type { PublishedScope } from '../store/records.js';
import type { GuardedSchemaStore } from '../store/store.js';

/** How long the scopes of a process are known after it published them last, in ms: longer than a server is usually stopped. */
const KEPT = 7 * DAY;

/** A process publishes its scopes again when they have been published for this long, in ms. */
const RENEWED_AFTER = DAY;

/** How often a process checks whether its scopes must be published, in ms. */
const INTERVAL = 60_000;

/** The maximum number of schemas that are read, and of scopes and fields that are published, so that a record stays small. */
const MAX_SCHEMAS = 50;
const MAX_SCOPES = 500;
const MAX_OPENS = 50;

/** The maximum size of a published list, in characters of JSON. A longer one is published without fields. */
const MAX_LENGTH = 65_536;

interface KnownScopesOptions {
  /** Undefined: a custom store that can't store schemas. */
  readonly schemas: GuardedSchemaStore | undefined;
  /** Scopes that every process knows, and that are not published. Default: none. */
  readonly always?: readonly string[];
  readonly now: () => number;
}

/** Returns the coordinates of guarded fields by the scope that gives access to them. */
type Openings = () => ReadonlyMap<string, readonly string[]>;

/**
 * The scopes that keys can have: those of the schemas that this process guards, and those that other processes on the
 * store guard. So a service can create keys for an API that only another process knows.
 *
 * Each process publishes its scopes after it has guarded a schema. The store is read when a caller lists the scopes, or
 * wants one that is not known here; no other request depends on it.
 */
export class KnownScopes {
  readonly #options: KnownScopesOptions;
  readonly #always: readonly string[];
  readonly #own = new Set<string>();
  readonly #openings: Openings[] = [];
  #others: ReadonlyMap<string, readonly string[]> = new Map();
  #reading: Promise<void> | null = null;
  #publishing: Promise<void> | null = null;
  /** When the scopes must be published next. */
  #due = Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KnownScopesOptions) {
    this.#options = options;
    this.#always = options.always ?? [];
  }

  /** The names that are known now, sorted. */
  get names(): readonly string[] {
    return [...new Set([...this.#always, ...this.#own, ...this.#others.keys()])].sort();
  }

  /**
   * Adds the scopes of a guarded schema, and publishes them soon.
   *
   * @param openings called later, because it takes a moment for a large schema
   */
  add(scopes: readonly string[], openings: Openings): void {
    for (const scope of scopes) this.#own.add(scope);
    let read: Openings | null = openings;
    let known: ReturnType<Openings> = new Map();
    this.#openings.push(() => {
      if (read !== null) known = read();
      // The schema can be garbage collected when another one has replaced it.
      read = null;
      return known;
    });
    if (this.#options.schemas === undefined || this.#own.size === 0) return;
    this.#due = 0;
    // A process that only guards a schema, such as a test, ends without waiting for this.
    this.#timer ??= setInterval(() => this.#publishIfDue(), INTERVAL).unref();
    setImmediate(() => this.#publishIfDue()).unref();
  }

  /** Reads the scopes of other processes, unless all wanted ones are known. Rejects with StoreUnavailable. */
  async learn(wanted: readonly string[]): Promise<void> {
    const known = this.names;
    if (wanted.some((scope) => parseScope(scope) !== null && !known.includes(scope))) await this.#read();
  }

  /**
   * Returns the scopes that only schemas of other processes on the store have. Rejects with
   * StoreUnavailable.
   */
  async onlyElsewhere(scopes: readonly string[]): Promise<readonly string[]> {
    const strange = scopes.filter((scope) => !this.#own.has(scope) && !this.#always.includes(scope));
    if (strange.length > 0) await this.#read();
    return strange.filter((scope) => this.#others.has(scope));
  }

  /** Returns all known scopes, sorted by name, after reading those of other processes. Rejects with StoreUnavailable. */
  async list(): Promise<readonly PublishedScope[]> {
    await this.#read();
    const always = new Map(this.#always.map((scope) => [scope, []]));
    return listed([this.#ownOpenings(), this.#others, always]);
  }

  /** Stops publishing. Waits until the publication has been written or has failed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#publishing;
    this.#publishIfDue();
    await this.#publishing;
  }

  #ownOpenings(): ReadonlyMap<string, readonly string[]> {
    return merged(this.#openings.map((openings) => openings()));
  }

  async #read(): Promise<void> {
    const { schemas } = this.#options;
    if (schemas === undefined) return;
    this.#reading ??= this.#readFrom(schemas).finally(() => (this.#reading = null));
    await this.#reading;
  }

  async #readFrom(schemas: GuardedSchemaStore): Promise<void> {
    const found = await schemas.list(this.#options.now(), MAX_SCHEMAS);
    const published = found.map(({ scopes }) => openingsOf(scopes));
    this.#others = merged(published);
  }

  #publishIfDue(): void {
    const { schemas } = this.#options;
    if (schemas === undefined || this.#publishing !== null) return;
    // The store reports its own failures. The timer tries again.
    this.#publishing = this.#publish(schemas)
      .catch(() => undefined)
      .finally(() => (this.#publishing = null));
  }

  async #publish(schemas: GuardedSchemaStore): Promise<void> {
    const now = this.#options.now();
    if (now < this.#due) return;
    const scopes = bounded(listed([this.#ownOpenings()]));
    const id = createHash('sha256').update(JSON.stringify(scopes)).digest('base64url');
    this.#due = now + RENEWED_AFTER;
    try {
      // Most starts find what an earlier start or another process has published, and write nothing.
      const known = (await schemas.list(now, MAX_SCHEMAS)).find((schema) => schema.id === id);
      if (known !== undefined && known.publishedAt > now - RENEWED_AFTER) {
        this.#due = known.publishedAt + RENEWED_AFTER;
        return;
      }
      const host = hostname().slice(0, 255);
      await schemas.publish({ id, scopes, host, publishedAt: now, endsAt: now + KEPT }, now);
    } catch (error) {
      this.#due = 0;
      throw error;
    }
  }
}

function openingsOf(scopes: readonly PublishedScope[]): ReadonlyMap<string, readonly string[]> {
  // A later release may publish scopes of a form that this one doesn't know.
  const known = scopes.filter(({ scope }) => parseScope(scope) !== null);
  return new Map(known.map(({ scope, opens }) => [scope, opens]));
}

function merged(maps: readonly ReadonlyMap<string, readonly string[]>[]): Map<string, readonly string[]> {
  const all = new Map<string, readonly string[]>();
  for (const map of maps)
    for (const [scope, opens] of map) all.set(scope, [...new Set([...(all.get(scope) ?? []), ...opens])]);
  return all;
}

function listed(maps: readonly ReadonlyMap<string, readonly string[]>[]): PublishedScope[] {
  return [...merged(maps)].map(([scope, opens]) => ({ scope, opens })).sort((a, b) => (a.scope < b.scope ? -1 : 1));
}

function bounded(scopes: readonly PublishedScope[]): PublishedScope[] {
  const first = scopes.slice(0, MAX_SCOPES).map(({ scope, opens }) => ({ scope, opens: opens.slice(0, MAX_OPENS) }));
  return JSON.stringify(first).length <= MAX_LENGTH ? first : first.map(({ scope }) => ({ scope, opens: [] }));
}
