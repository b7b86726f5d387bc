import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Bytes counted for an unfinished body in addition to its own: its connection, and the state of the request. */
const OVERHEAD = 16 * 1024;

/** How often to look for slow bodies, in ms. */
const INTERVAL = 1_000;

/** The least part of an upload that must arrive in each period of `time`, in bytes, unless it is complete then. */
const LEAST_PROGRESS = 10 * 1024;

/** How much of an upload has arrived. It may take longer than other bodies. */
export interface Progress {
  /** The bytes that have arrived on the connection. */
  readonly bytes: () => number;
  /** Whether the server has currently stopped reading. Then the sender is not the slow one. */
  readonly isPaused: () => boolean;
  /** The maximum time for the whole body, in ms. */
  readonly time: number;
}

/** The sender of a body. */
export interface Sender {
  /** The family of keys or the network whose bodies are counted together. */
  readonly id: string;
  /** Maximum number of unfinished bodies of the sender. */
  readonly most: number;
  /** The workspace or the network. Memory is shared fairly among groups. */
  readonly group: string;
}

/** A body that has not arrived completely. */
interface UnfinishedBody {
  readonly sender: Sender;
  readonly request: Pick<IncomingMessage, 'on'>;
  readonly response: Pick<ServerResponse, 'on'>;
  /** The maximum size that the body can reach. */
  readonly bytes: number;
  /** Default: the body must be complete within `time`. */
  readonly progress?: Progress;
  /** Responds to the request, and closes its connection. */
  readonly refuse: (reason: 'slow' | 'crowded') => void;
}

interface Held extends Pick<UnfinishedBody, 'sender' | 'bytes' | 'refuse'> {
  readonly progress: Progress | undefined;
  readonly begun: number;
  /** The start of the current period, and the bytes that had arrived until then. */
  since: number;
  seen: number;
}

/** The bodies of one group. */
interface Group {
  /** The oldest first. */
  readonly held: Set<Held>;
  bytes: number;
}

interface UnfinishedBodiesOptions {
  /** Maximum number of bytes for all bodies. */
  readonly maxBytes: number;
  /** Timeout for each body, in ms. Uploads have more time as long as they progress. */
  readonly time: number;
}

/**
 * Counts unfinished bodies: the number for each sender, and the total bytes. Rate limits count a request only once its
 * body has arrived.
 */
export class UnfinishedBodies {
  readonly #maxBytes: number;
  readonly #time: number;
  /** Bodies whose period began first come first. */
  readonly #held = new Set<Held>();
  readonly #counts = new Map<string, number>();
  /** Kept up to date, because memory is full when there are the most bodies to search. */
  readonly #groups = new Map<string, Group>();
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor({ maxBytes, time }: UnfinishedBodiesOptions) {
    this.#maxBytes = maxBytes;
    this.#time = time;
  }

  /** The number of bodies. */
  get size(): number {
    return this.#held.size;
  }

  /** Bytes reserved for them. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts a body until it has arrived, the response was sent without it, or the connection has ended.
   *
   * @returns the reason not to read it; null if it can be read
   */
  take(body: UnfinishedBody): 'many' | 'crowded' | null {
    const { sender, request, response, progress, refuse } = body;
    const count = this.#counts.get(sender.id) ?? 0;
    if (count >= sender.most) return 'many';
    const begun = performance.now();
    const seen = progress?.bytes() ?? 0;
    const held: Held = { sender, refuse, progress, bytes: body.bytes + OVERHEAD, begun, since: begun, seen };
    if (!this.#makeRoom(held)) return 'crowded';
    this.#add(held, count + 1);
    const giveBack = (): void => this.#giveBack(held);
    request.on('end', giveBack);
    // A request whose response is sent before its body is complete does not emit close.
    response.on('close', giveBack);
    // One timer for all: most bodies are complete long before it fires.
    this.#timer ??= setInterval(() => this.#endSlow(), INTERVAL).unref();
    return null;
  }

  #add(held: Held, count: number): void {
    const { id, group: name } = held.sender;
    const group = this.#groups.get(name) ?? { held: new Set(), bytes: 0 };
    group.held.add(held);
    group.bytes += held.bytes;
    this.#groups.set(name, group);
    this.#held.add(held);
    this.#counts.set(id, count);
    this.#bytes += held.bytes;
  }

  #giveBack(held: Held): void {
    if (!this.#held.delete(held)) return;
    const { id, group: name } = held.sender;
    const count = (this.#counts.get(id) ?? 1) - 1;
    if (count > 0) this.#counts.set(id, count);
    else this.#counts.delete(id);
    const group = this.#groups.get(name);
    if (group !== undefined) {
      group.held.delete(held);
      group.bytes -= held.bytes;
      if (group.held.size === 0) this.#groups.delete(name);
    }
    this.#bytes -= held.bytes;
  }

  #endSlow(): void {
    if (this.#held.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    const now = performance.now();
    for (const held of this.#held) {
      if (held.since > now - this.#time) return;
      if (hasProgressed(held, now)) this.#renew(held, now);
      else this.#end(held, 'slow');
    }
  }

  /** Begins the next period of an upload. */
  #renew(held: Held, now: number): void {
    held.since = now;
    held.seen = held.progress?.bytes() ?? 0;
    // The set stays in the order of the periods.
    this.#held.delete(held);
    this.#held.add(held);
  }

  /**
   * Ends bodies of the largest group until there is room. Returns false if the largest group is the one that needs
   * room.
   */
  #makeRoom({ bytes, sender: { group } }: Held): boolean {
    while (this.#bytes + bytes > this.#maxBytes) {
      const own = this.#groups.get(group);
      const largest = this.#largest();
      if (largest === null || largest === own || largest.bytes < (own?.bytes ?? 0) + bytes) return false;
      const [oldest] = largest.held;
      if (oldest === undefined) return false;
      this.#end(oldest, 'crowded');
    }
    return true;
  }

  #largest(): Group | null {
    let largest: Group | null = null;
    for (const group of this.#groups.values()) if (largest === null || group.bytes > largest.bytes) largest = group;
    return largest;
  }

  #end(held: Held, reason: 'slow' | 'crowded'): void {
    this.#giveBack(held);
    held.refuse(reason);
  }
}

function hasProgressed({ progress, begun, seen }: Held, now: number): boolean {
  if (progress === undefined || now - begun >= progress.time) return false;
  return progress.isPaused() || progress.bytes() - seen >= LEAST_PROGRESS;
}
