import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import type { CountedOperation } from '../../core/guard/compiledOperation.js';
import type { UsageBatch } from '../../core/store/records.js';
import { StoreUnavailable, Unacknowledged } from '../../core/store/storeErrors.js';
import type { KeyStore } from '../../core/store/keyStore.js';
import { sumOf } from '../../core/store/usageReport.js';
import type { UsageStore } from '../../core/store/usageStore.js';
import { Tallies, type Tally } from './tallies.js';

/** The interval between writes, in ms. */
const INTERVAL = 5_000;

/** The number of pairs of key and minute in memory. When it is reached, the next write starts early. */
const MAX_PENDING = 10_000;

/** The memory of counts that are not written yet, in bytes. When it is reached, the next write starts early. */
const MAX_BYTES = 32 * 2 ** 20;

/** The number of pairs in one batch. SQLite blocks all changes during a write, and MongoDB has 1.8 s for it. */
const BATCH = 1_000;

/** The number of operation names, root fields and guarded fields in one batch, so that MongoDB can store it in a document. */
const BATCH_VALUES = 20_000;

/** The number of batches that the store did not confirm and that are kept to be sent again. */
const MAX_UNCONFIRMED = 10;

/** How long a batch is sent again, in ms. The store recognizes it for longer. */
const RESENT_FOR = 24 * 60 * 60_000;

/** The reason for refusing a key; see `UsageRecord`. */
type Refused = 'limited' | 'forbidden';

export interface UsageLogOptions {
  /** Writes times of last use in bulk, and counts in bulk. */
  readonly store: { readonly keys: Pick<KeyStore, 'touch'>; readonly usage: Pick<UsageStore, 'add'> };
  /** In ms since the epoch. */
  readonly now: () => number;
  /** Called for each request that the limits refused. Must not wait. Default: none. */
  readonly onLimited?: (principal: AuthenticatedPrincipal) => void;
}

/** A batch that the store may have added. */
interface Unconfirmed {
  readonly batch: UsageBatch;
  /** The number of requests in it. */
  readonly counted: number;
  /** On the monotonic clock. */
  readonly since: number;
}

/**
 * Records when keys were last used, and counts their requests by operation and field. Collects in memory and writes in
 * bulk every few seconds and at the end, never during a request. A crash loses a few seconds of both.
 *
 * Counts are written in batches with an ID, which the store adds once. A batch that the store did not confirm is sent
 * again with its ID, so that no request is counted twice and none is lost.
 */
export class UsageLog {
  readonly #options: UsageLogOptions;
  readonly #timer: NodeJS.Timeout;
  #pending = pendingTallies();
  #uses = new Map<string, number>();
  #unconfirmed: Unconfirmed[] = [];
  #writing: Promise<void> | null = null;
  #failing = false;
  #dropped = 0;

  constructor(options: UsageLogOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (this.#writing === null) void this.flush();
    }, INTERVAL).unref();
  }

  /**
   * Records that a key was accepted.
   *
   * @param at in ms since the epoch
   */
  used(keyId: string, at: number): void {
    const before = this.#uses.get(keyId);
    if (before === undefined && this.#uses.size >= MAX_PENDING) return;
    if (before === undefined || before < at) this.#uses.set(keyId, at);
    if (this.#uses.size >= MAX_PENDING) this.#writeEarly();
  }

  /**
   * Records that a request was admitted. Requests of the operator are not recorded, because nothing shows them.
   *
   * @param cost in requests
   * @param operation null if the request is not a GraphQL operation
   */
  admitted(principal: Principal, cost: number, operation: CountedOperation | null): void {
    if (!isCounted(principal)) return;
    const counts = this.#pending.of(principal, this.#options.now())?.of(operation);
    if (counts === undefined) this.#dropped += 1;
    else {
      counts.requests += 1;
      counts.cost += cost;
    }
    if (this.#pending.isFull) this.#writeEarly();
  }

  /** Records the cost units of an operation that was admitted before. */
  costed(principal: Principal, units: number, operation: CountedOperation): void {
    if (!isCounted(principal)) return;
    const counts = this.#pending.of(principal, this.#options.now())?.of(operation);
    if (counts !== undefined) counts.queryCost = sumOf(counts.queryCost, units);
  }

  /** Records that a request of a key was refused. */
  refused(principal: Principal, why: Refused, operation: CountedOperation | null): void {
    if (!isCounted(principal)) return;
    if (why === 'limited') this.#options.onLimited?.(principal);
    const counts = this.#pending.of(principal, this.#options.now())?.of(operation);
    if (counts === undefined) this.#dropped += 1;
    else counts[why] += 1;
    if (this.#pending.isFull) this.#writeEarly();
  }

  /**
   * The counts since the start that may not have been written, because the store was unavailable for too long or refused
   * them.
   */
  get dropped(): number {
    return this.#dropped;
  }

  /** An estimate of the memory of counts that are not written yet, in bytes. */
  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  /** Resolves when all earlier records have been written, or have failed to be written. */
  async flush(): Promise<void> {
    // Only one write at a time: a second one would keep another batch in memory for as long as the store takes.
    while (this.#writing !== null) await this.#writing;
    if (this.#pending.size === 0 && this.#uses.size === 0 && this.#unconfirmed.length === 0) return;
    this.#writing = this.#write(this.#taken());
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #taken(): Taken {
    const taken = { tallies: this.#pending.all().filter(({ isCounted: counted }) => counted), uses: this.#uses };
    this.#pending = pendingTallies();
    this.#uses = new Map();
    return taken;
  }

  /** If the store is unavailable, the timer tries again. Otherwise every request would. */
  #writeEarly(): void {
    if (this.#writing === null && !this.#failing) void this.flush();
  }

  /**
   * Times are written first, because writing them twice does no harm: if the store is unavailable, this fails before
   * the counts are sent.
   */
  async #write({ tallies, uses }: Taken): Promise<void> {
    let [leftTallies, leftUses] = [tallies, uses];
    try {
      if (uses.size > 0) await this.#options.store.keys.touch(uses);
      leftUses = new Map();
      await this.#sendAgain();
      while (leftTallies.length > 0) {
        const batch = firstBatch(leftTallies);
        const isConfirmed = await this.#writeBatch(batch);
        leftTallies = leftTallies.slice(batch.length);
        if (!isConfirmed) throw unconfirmed();
        // SQLite does not yield to the event loop, and requests wait for a turn.
        if (leftTallies.length > 0) await turn();
      }
      this.#failing = false;
    } catch {
      this.#failing = true;
      this.#putBack({ tallies: leftTallies, uses: leftUses });
    } finally {
      this.#writing = null;
    }
  }

  /**
   * @returns whether the store confirmed the batch, or refused it. Otherwise the batch is kept and sent again
   * @throws StoreUnavailable if nothing was written
   */
  async #writeBatch(tallies: readonly Tally[]): Promise<boolean> {
    const counted = sum(tallies);
    const batch = { id: randomBytes(12).toString('base64url'), additions: tallies.map((tally) => tally.record()) };
    try {
      await this.#send(batch, counted);
      return true;
    } catch (error) {
      if (!(error instanceof Unacknowledged)) throw error;
      this.#unconfirmed.push({ batch, counted, since: performance.now() });
      if (this.#unconfirmed.length > MAX_UNCONFIRMED) this.#dropped += this.#unconfirmed.shift()?.counted ?? 0;
      return false;
    }
  }

  /** @throws StoreUnavailable if it was not added, or if that is unknown */
  async #send(batch: UsageBatch, counted: number): Promise<void> {
    try {
      await this.#options.store.usage.add(batch, this.#options.now());
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      this.#dropped += counted;
    }
  }

  /** Sends the batches again that the store did not confirm. @throws StoreUnavailable if it still does not */
  async #sendAgain(): Promise<void> {
    for (let given = this.#unconfirmed[0]; given !== undefined; given = this.#unconfirmed[0]) {
      const { batch, counted, since } = given;
      if (performance.now() - since < RESENT_FOR) await this.#send(batch, counted);
      else this.#dropped += counted;
      this.#unconfirmed.shift();
    }
  }

  #putBack({ tallies, uses }: Taken): void {
    for (const [keyId, at] of uses) this.used(keyId, at);
    for (const tally of tallies) {
      const pending = this.#pending.of(tally.caller, tally.start);
      if (pending === null) this.#dropped += tally.counted;
      else pending.add(tally);
    }
  }
}

/** Records that are being written. */
interface Taken {
  readonly tallies: readonly Tally[];
  readonly uses: ReadonlyMap<string, number>;
}

function pendingTallies(): Tallies {
  return new Tallies({ most: MAX_PENDING, mostBytes: MAX_BYTES });
}

/** Returns the first tallies, as many as one batch can have; at least one. */
function firstBatch(tallies: readonly Tally[]): readonly Tally[] {
  let values = 0;
  let count = 0;
  for (const tally of tallies) {
    values += tally.values;
    if (count > 0 && (count >= BATCH || values > BATCH_VALUES)) break;
    count += 1;
  }
  return tallies.slice(0, count);
}

function unconfirmed(): StoreUnavailable {
  return new StoreUnavailable(new Error('The store did not confirm a batch of usage.'));
}

function sum(tallies: readonly Tally[]): number {
  return tallies.reduce((total, { counted }) => total + counted, 0);
}

function isCounted(principal: Principal): principal is AuthenticatedPrincipal {
  return principal.kind !== 'anonymous' && principal.kind !== 'operator';
}
