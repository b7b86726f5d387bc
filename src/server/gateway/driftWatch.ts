import type { GraphQLSchema } from 'graphql';
import { faultOf } from '../fault.js';
import { driftOf, NO_DRIFT, sizeOf, type Drift } from './drift.js';
import { schemaOf } from './initPolicy.js';
import type { Policy } from './gatewayPolicy.js';

/** The number of names in a message. */
const MAX_NAMED = 10;

interface Log {
  warn(details: object, message: string): void;
  info(message: string): void;
}

export interface DriftWatchOptions {
  /** The schema that the gateway knows. */
  readonly known: GraphQLSchema;
  readonly policy: Policy | null;
  readonly upstream: string;
  /** Asks the upstream for its schema. */
  readonly ask: () => Promise<string>;
  /** In ms; 0 means never. */
  readonly interval: number;
  readonly log: Log;
}

/**
 * Periodically compares the schema of the upstream with the gateway's schema. A difference is only reported: operations
 * are checked against the gateway's schema, so a field that the upstream gains stays closed.
 */
export class DriftWatch {
  readonly #options: DriftWatchOptions;
  #drift: Drift = NO_DRIFT;
  /** The text of the last schema that was compared, so that an unchanged one is not parsed again. */
  #compared = '';
  #isUnreachable = false;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: DriftWatchOptions) {
    this.#options = options;
    this.#wait();
  }

  get drift(): Drift {
    return this.#drift;
  }

  /** Returns the differences in one sentence; null if there are none. */
  get summary(): string | null {
    const { added, removed, changed, undecided } = this.#drift;
    const parts = [
      ['added', added],
      ['removed', removed],
      ['changed', changed],
      ['undecided', undecided],
    ] as const;
    const told = parts.filter(([, names]) => names.length > 0).map(([kind, names]) => `${names.length} ${kind}`);
    return told.length === 0 ? null : `The schema of the upstream differs: ${told.join(', ')}.`;
  }

  /** Compares now. Never rejects. */
  async compare(): Promise<void> {
    const { known, policy, upstream, ask, log } = this.#options;
    try {
      const sdl = await ask();
      if (this.#isUnreachable) log.info('The upstream returns its schema again.');
      this.#isUnreachable = false;
      if (sdl === this.#compared) return;
      const drift = driftOf(known, schemaOf(sdl, upstream), policy);
      const before = sizeOf(this.#drift);
      this.#compared = sdl;
      this.#drift = drift;
      if (sizeOf(drift) > 0)
        log.warn(named(drift), `${this.summary} Fields that were added are closed. Run "latchkey gateway check".`);
      else if (before > 0) log.info('The schema of the upstream matches the schema of the gateway again.');
    } catch (error) {
      // Once, because it may last for hours.
      if (!this.#isUnreachable && !this.#isClosed) {
        log.warn(
          { reason: faultOf(error) },
          'The schema of the upstream could not be compared with the schema of the gateway.',
        );
      }
      this.#isUnreachable = true;
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #wait(): void {
    const { interval } = this.#options;
    if (interval === 0 || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.compare().then(() => this.#wait()), interval).unref();
  }
}

function named(drift: Drift): object {
  return Object.fromEntries(
    Object.entries<readonly string[]>({ ...drift })
      .filter(([, names]) => names.length > 0)
      .map(([kind, names]) => [kind, names.slice(0, MAX_NAMED)]),
  );
}
