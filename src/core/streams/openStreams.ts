import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal } from '../auth/principal.js';
import type { Change } from '../keys/changeFeed.js';
import { rowOf, type TierTable } from '../limits/tiers.js';
import { Refusal, unavailable } from '../errors/refusal.js';
import { Credentials } from './credentials.js';
import { OwnPlaces, type Places } from './streamPlaces.js';
import type { Stream } from './stream.js';
import { Turns } from '../util/turns.js';
import { WaitingBytes } from './waitingBytes.js';

/** The memory of an event without its long texts, in bytes. */
export const BYTES_PER_EVENT = 300;

/** The interval between heartbeats of a quiet stream, in ms. Proxies close connections that are silent for a minute. */
const BEAT_EVERY = 15_000;

/** The number of streams that send a heartbeat within one turn of the event loop. */
const BATCH = 500;

interface OpenStreamsOptions {
  /** Returns the current limits of each tier. */
  readonly tiers: TierTable;
  /** The maximum number of streams in this process. */
  readonly max: number;
  /** The place where the streams of a family are counted. Default: this process. */
  readonly places?: Places;
  /** In ms. Default: 15,000. */
  readonly beatEvery?: number;
  /** The number of bytes that may wait for slow readers in this process. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** Returns the memory of an event in bytes. Default: an estimate that doesn't include its texts. */
  readonly bytesOf?: (event: unknown) => number;
  /** Returns ms since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** A stream, or a connection with several streams. */
export type OpenStream = Pick<Stream<never>, 'beat' | 'end' | 'onEnd'>;

/** A reserved place among the open streams, which is either kept or released. */
export interface Place {
  /** Keeps the place as long as the stream is open. */
  keep(stream: OpenStream): void;
  /** Can be called more than once. Has no effect after `keep`. */
  giveBack(): void;
}

/** The open streams of this process, and the parts that they share. */
export class OpenStreams {
  readonly credentials: Credentials;
  readonly bytes: WaitingBytes;
  readonly bytesOf: (event: unknown) => number;
  readonly turns = new Turns();
  readonly #options: OpenStreamsOptions;
  readonly #streams = new Set<OpenStream>();
  readonly #places: Places;
  #total = 0;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
    this.#places = options.places ?? new OwnPlaces();
    const { maxBytes, now, bytesOf = () => BYTES_PER_EVENT } = options;
    this.credentials = new Credentials(now === undefined ? {} : { now });
    this.bytes = new WaitingBytes(maxBytes);
    this.bytesOf = bytesOf;
  }

  /** The number of streams that are open or being opened. */
  get size(): number {
    return this.#total;
  }

  /**
   * Reserves a place. Call it before anything else is allocated for the stream, so that parallel requests cannot exceed
   * the limit. Rejects with a {@link Refusal} TOO_MANY_STREAMS or UNAVAILABLE.
   */
  async take({ familyId, tier }: AuthenticatedPrincipal): Promise<Place> {
    if (this.#total >= this.#options.max) {
      throw unavailable(
        'The server has reached its maximum number of open streams. Try again in 5 s, or ask the operator to increase MAX_STREAMS.',
        5,
      );
    }
    this.#total += 1;
    const limit = rowOf(this.#options.tiers, tier).streams;
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

  /**
   * Checks all credentials that a change may concern. Call it after older records were removed from the cache.
   *
   * @param change null for all credentials
   */
  judge(change: Change | null = null): void {
    this.credentials.judge(change);
  }

  /**
   * Ends all streams with a last message, and those that are being opened as soon as they are open. Can be called more
   * than once.
   */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end(stopping());
  }

  #keep(stream: OpenStream, free: () => void): void {
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
    `This key has reached its tier's limit of ${limit} open streams. Close one, share one stream among several readers, or change to a higher tier.`,
    { code: 'TOO_MANY_STREAMS', limit },
  );
}

function stopping(): Refusal {
  return unavailable('The server is stopping. Open the stream again to reach another server.', 1);
}
