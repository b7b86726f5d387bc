import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Change } from '../keys/changes.js';
import type { TierTable } from '../limits/tiers.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { Credentials } from './credentials.js';
import { OwnPlaces, type Places } from './places.js';
import type { Stream } from './stream.js';
import { Turns } from '../turns.js';
import { WaitingBytes } from './waitingBytes.js';

/** How often a quiet stream says that it lives, in ms: proxies end what says nothing for a minute. */
const BEAT_EVERY = 15_000;

/** Streams that say so within one turn of the event loop. */
const BATCH = 500;

export interface OpenStreamsOptions {
  /** Where each tier's number of streams is read, as it is at that moment. */
  readonly tiers: TierTable;
  /** Streams that this process holds at most. */
  readonly max: number;
  /** Where the streams of a family are counted. Default: here. */
  readonly places?: Places;
  /** In ms. Default: 15,000. */
  readonly beatEvery?: number;
  /** What may wait for slow readers in this process, in bytes. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** ms since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** A place among the open streams. Kept, or given back. */
export interface Place {
  /** Holds the place for as long as the stream is open. */
  keep(stream: Stream): void;
  /** Idempotent; after `keep` it changes nothing. */
  giveBack(): void;
}

/** The streams that are open in this process: how many there are, and what they have in common. */
export class OpenStreams {
  readonly credentials: Credentials;
  readonly bytes: WaitingBytes;
  readonly turns = new Turns();
  readonly #options: OpenStreamsOptions;
  readonly #streams = new Set<Stream>();
  readonly #places: Places;
  #total = 0;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
    this.#places = options.places ?? new OwnPlaces();
    const { maxBytes, now } = options;
    this.credentials = new Credentials(now === undefined ? {} : { now });
    this.bytes = new WaitingBytes(maxBytes);
  }

  /** Open streams, and those being opened. */
  get size(): number {
    return this.#total;
  }

  /**
   * To be called before anything else is taken for the stream: parallel requests must not pass each other. Rejects with
   * Refusal TOO_MANY_STREAMS, UNAVAILABLE.
   */
  async take({ familyId, tier }: AuthenticatedPrincipal): Promise<Place> {
    if (this.#total >= this.#options.max) {
      throw unavailable('The server holds as many streams as it can. Try again in 5 s, or have MAX_STREAMS raised.', 5);
    }
    this.#total += 1;
    const limit = this.#options.tiers[tier].streams;
    let taken = false;
    try {
      taken = await this.#places.take(familyId, limit);
    } finally {
      if (!taken) this.#total -= 1;
    }
    if (!taken) throw tooMany(limit);
    let held = true;
    const free = (): void => {
      if (!held) return;
      held = false;
      this.#total -= 1;
      this.#places.giveBack(familyId);
    };
    let kept = false;
    return {
      keep: (stream) => {
        kept = true;
        this.#keep(stream, free);
      },
      giveBack: () => {
        if (!kept) free();
      },
    };
  }

  /** Judges all that a change may concern. To be called once nothing older than it is remembered. @param change null: any */
  judge(change: Change | null = null): void {
    this.credentials.judge(change);
  }

  /** Ends all streams, each with a last word, and those that are still being opened as soon as they are. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end(stopping());
  }

  #keep(stream: Stream, free: () => void): void {
    this.#streams.add(stream);
    if (this.#streams.size === 1) this.#start();
    stream.onEnd(() => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#stop();
      free();
    });
    if (this.#closed) stream.end(stopping());
  }

  #start(): void {
    const { beatEvery = BEAT_EVERY } = this.#options;
    this.#timer = setInterval(() => void this.#beat(), beatEvery).unref();
  }

  async #beat(): Promise<void> {
    let left = BATCH;
    for (const stream of this.#streams) {
      stream.beat();
      left -= 1;
      if (left > 0) continue;
      await turn();
      left = BATCH;
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function tooMany(limit: number): Refusal {
  return new Refusal(
    `This key has ${limit} streams open, as many as its tier allows. Close one, take several things into one stream's reader, or ask for a higher tier.`,
    { code: 'TOO_MANY_STREAMS', limit },
  );
}

function stopping(): Refusal {
  return unavailable('The server is stopping. Open the stream again: another will answer it.', 1);
}
