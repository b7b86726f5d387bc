import { performance } from 'node:perf_hooks';
import type { AuthenticatedPrincipal } from '../auth/principal.js';
import type { Standing } from '../auth/standing.js';
import type { StoreState } from '../auth/storeState.js';
import type { Change } from '../keys/changeFeed.js';
import { DueQueue } from './dueQueue.js';
import { WatchedCredential } from './watchedCredential.js';

/** The shortest interval between two checks of the credential of quiet streams, in ms, if AUTH_CACHE_TTL is shorter. */
const MIN_INTERVAL = 250;

/**
 * The number of credentials that are checked within one turn of the event loop, because each may need a read of the
 * store.
 */
const BATCH = 50;

/**
 * How often a credential is checked at least, in ms, even if nothing in the store was changed: each check records the use of
 * the key.
 */
const MAX_INTERVAL = 600_000;

/** How far the clock for expiry may jump before all checks are repeated, in ms. */
const MAX_SHIFT = 1_000;

/** Added to a timer, in ms, so that it does not fire before the clock for expiry has passed the time. */
const SLACK = 2;

interface CredentialsOptions {
  /**
   * Returns ms since the epoch.
   *
   * @default Date.now
   */
  readonly now?: () => number;
  /**
   * Returns ms of a monotonic clock.
   *
   * @default the clock of the process
   */
  readonly clock?: () => number;
}

interface Entry {
  readonly name: string;
  readonly credential: WatchedCredential;
  /** The key's record, as named in changes; null before the first check, and for credentials without a record. */
  lookupId: string | null;
  /** The earliest time at which the timer may check it again. */
  earliest: number;
  /** The time at which its check expires. */
  dueAt: number;
  /** Its earliest entry in the queue. It may be before `dueAt`, so that a check doesn't have to add another entry. */
  queuedAt: number;
  /** The state of the store on which its check depends; null: the check expires at `dueAt`. */
  state: StoreState | null;
}

/** Credentials whose checks depend on the same state of the store, and therefore expire together. */
interface Group {
  readonly state: StoreState;
  /** The difference between both clocks when the group began, in ms. */
  readonly offset: number;
  readonly entries: Set<Entry>;
}

/**
 * The credentials of all open streams. Each is checked when a change concerns it, and when its last check expires, for
 * which there is one timer. A quiet stream therefore costs nothing, and a key with many streams costs one look-up per
 * AUTH_CACHE_TTL. If the store has a version, one check of it per AUTH_CACHE_TTL is enough for all.
 */
export class Credentials {
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #ofKey = new Map<string, Set<Entry>>();
  readonly #ofWorkspace = new Map<string, Set<Entry>>();
  /** Not checked yet, so it is unknown which changes concern them. */
  readonly #unjudged = new Set<Entry>();
  readonly #groups = new Map<StoreState, Group>();
  readonly #due = new DueQueue<Entry | Group>();
  readonly #toJudge = new Set<Entry>();
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Infinity;
  #isDraining = false;

  constructor({ now = Date.now, clock = () => performance.now() }: CredentialsOptions = {}) {
    this.#now = now;
    this.#clock = clock;
  }

  /** The number of different credentials. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Returns the credential with this name, which is watched as long as a stream uses it. Call `release` once for each
   * call.
   *
   * @param name the same for the same credential from the same address
   */
  watch(
    name: string,
    principal: AuthenticatedPrincipal,
    ask: () => Standing | Promise<Standing>,
  ): { readonly credential: WatchedCredential; readonly release: () => void } {
    const entry = this.#entries.get(name) ?? this.#begin(name, principal, ask);
    return { credential: entry.credential, release: () => this.#endIfUnused(entry) };
  }

  /**
   * Checks the credentials that a change may concern. Call it after older records were removed from the cache.
   *
   * @param change null for all credentials
   */
  judge(change: Change | null): void {
    for (const entry of this.#concerned(change)) {
      // All of them are marked first, so that nothing is sent to those that are checked later.
      entry.credential.doubt();
      this.#toJudge.add(entry);
    }
    for (const entry of this.#unjudged) entry.credential.doubt();
    this.#drain();
  }

  #begin(name: string, principal: AuthenticatedPrincipal, ask: () => Standing | Promise<Standing>): Entry {
    const credential = new WatchedCredential({
      ask,
      principal,
      now: this.#now,
      clock: this.#clock,
      onJudged: () => this.#judged(entry),
    });
    const entry: Entry = { name, credential, lookupId: null, ...NEVER };
    this.#entries.set(name, entry);
    this.#unjudged.add(entry);
    addTo(this.#ofWorkspace, principal.workspaceId, entry);
    return entry;
  }

  #endIfUnused(entry: Entry): void {
    if (entry.credential.size > 0 || this.#entries.get(entry.name) !== entry) return;
    this.#entries.delete(entry.name);
    this.#unjudged.delete(entry);
    this.#toJudge.delete(entry);
    removeFrom(this.#ofWorkspace, entry.credential.principal.workspaceId, entry);
    if (entry.lookupId !== null) removeFrom(this.#ofKey, entry.lookupId, entry);
    entry.dueAt = Infinity;
    this.#leave(entry);
    if (this.#entries.size === 0) this.#stop();
  }

  #concerned(change: Change | null): Iterable<Entry> {
    if (change === null) return this.#entries.values();
    if (change.kind === 'key') return this.#ofKey.get(change.lookupId) ?? [];
    return this.#ofWorkspace.get(change.workspaceId) ?? [];
  }

  #judged(entry: Entry): void {
    if (this.#entries.get(entry.name) !== entry) return;
    const { lookupId } = entry.credential;
    if (lookupId !== entry.lookupId) {
      if (entry.lookupId !== null) removeFrom(this.#ofKey, entry.lookupId, entry);
      if (lookupId !== null) addTo(this.#ofKey, lookupId, entry);
      entry.lookupId = lookupId;
    }
    this.#unjudged.delete(entry);
    this.#leave(entry);
    const now = this.#clock();
    // Only if a record is valid for less than the interval, the next check follows this soon.
    entry.earliest = Math.min(Math.max(entry.earliest, now - MIN_INTERVAL), now) + MIN_INTERVAL;
    this.#join(entry);
    const { expiresIn, dueIn } = entry.credential;
    const due = entry.state === null ? dueIn : Math.min(expiresIn, MAX_INTERVAL);
    entry.dueAt = Math.max(now + due + SLACK, entry.earliest);
    this.#queue(entry);
    this.#setTimer();
  }

  /** Adds a checked credential to those that depend on the same state of the store. */
  #join(entry: Entry): void {
    const { state } = entry.credential;
    const countsFor = state?.countsFor() ?? 0;
    if (state === null || countsFor === 0) return;
    entry.state = state;
    let group = this.#groups.get(state);
    if (group === undefined) {
      group = { state, offset: this.#offset, entries: new Set() };
      this.#groups.set(state, group);
      this.#due.add(this.#clock() + countsFor + SLACK, group);
    }
    group.entries.add(entry);
  }

  #leave(entry: Entry): void {
    const { state } = entry;
    if (state === null) return;
    entry.state = null;
    const group = this.#groups.get(state);
    group?.entries.delete(entry);
    if (group?.entries.size === 0) this.#groups.delete(state);
  }

  /** Renews the checks of a group, or has its credentials checked again if the store or the clock has changed. */
  #renewGroup(group: Group): void {
    const { state, offset, entries } = group;
    if (this.#groups.get(state) !== group) return;
    const countsFor = state.countsFor();
    if (countsFor > 0 && !this.#wasSet(offset)) {
      this.#due.add(this.#clock() + countsFor + SLACK, group);
      return;
    }
    this.#groups.delete(state);
    for (const entry of entries) {
      entry.state = null;
      this.#toJudge.add(entry);
    }
  }

  get #offset(): number {
    return this.#now() - this.#clock();
  }

  /** Returns whether the clock for expiry was set, for example after a suspension. Keys may then expire before their timers. */
  #wasSet(offset: number): boolean {
    try {
      return Math.abs(this.#offset - offset) > MAX_SHIFT;
    } catch {
      // The clock of a user fails. The checks report it.
      return true;
    }
  }

  #queue(entry: Entry): void {
    if (entry.dueAt >= entry.queuedAt) return;
    entry.queuedAt = entry.dueAt;
    this.#due.add(entry.dueAt, entry);
  }

  #setTimer(): void {
    const next = this.#due.next;
    if (next === null || next >= this.#timerAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(() => this.#renew(), Math.max(1, Math.ceil(next - this.#clock()))).unref();
  }

  #renew(): void {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = this.#clock();
    for (let due = this.#due.take(now); due !== null; due = this.#due.take(now)) {
      const { at, item } = due;
      if ('entries' in item) {
        this.#renewGroup(item);
        continue;
      }
      if (at === item.queuedAt) item.queuedAt = Infinity;
      if (item.dueAt <= now) this.#toJudge.add(item);
      else this.#queue(item);
    }
    this.#drain();
    this.#setTimer();
  }

  /** Spread over several turns of the event loop, because requests are waiting. */
  #drain(): void {
    if (this.#isDraining) return;
    let left = BATCH;
    for (const entry of this.#toJudge) {
      if (left === 0) break;
      left -= 1;
      this.#toJudge.delete(entry);
      void entry.credential.judge();
    }
    if (this.#toJudge.size === 0) return;
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      this.#drain();
    });
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#due.clear();
    this.#groups.clear();
  }
}

const NEVER = { earliest: -Infinity, dueAt: Infinity, queuedAt: Infinity, state: null };

function addTo(sets: Map<string, Set<Entry>>, name: string, entry: Entry): void {
  const set = sets.get(name) ?? new Set<Entry>();
  sets.set(name, set.add(entry));
}

function removeFrom(sets: Map<string, Set<Entry>>, name: string, entry: Entry): void {
  const set = sets.get(name);
  set?.delete(entry);
  if (set?.size === 0) sets.delete(name);
}
