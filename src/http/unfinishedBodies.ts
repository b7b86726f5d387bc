import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';

/** Bytes that an unfinished body counts in addition to its own: its connection, and what is kept of the request. */
const OVERHEAD = 16 * 1024;

/** How often to look for bodies that take too long, in ms. */
const INTERVAL = 1_000;

/** Who sends a body. */
export interface Sender {
  /** Whose bodies are counted together: a family of keys, or a network. */
  readonly id: string;
  /** Bodies that the sender may have under way. */
  readonly most: number;
  /** Among whom memory is shared out: a workspace, or a network. */
  readonly group: string;
}

/** A body that has not arrived whole. */
export interface UnfinishedBody {
  readonly sender: Sender;
  readonly request: Pick<IncomingMessage, 'on'>;
  readonly response: Pick<ServerResponse, 'on'>;
  /** The most that it may still be. */
  readonly bytes: number;
  /** Answers the request, and ends its connection. */
  readonly refuse: (reason: 'slow' | 'crowded') => void;
}

interface Held extends UnfinishedBody {
  readonly begun: number;
}

/** The bodies of a group together. */
interface Group {
  /** The oldest first. */
  readonly held: Set<Held>;
  bytes: number;
}

export interface UnfinishedBodiesOptions {
  /** Bytes that all of them may take. */
  readonly maxBytes: number;
  /** How long each may take, in ms. */
  readonly time: number;
}

/**
 * The bodies that are under way. Limits count a request once its body has arrived; until then this counts it: how many
 * each sender has, and how many bytes all of them may take.
 */
export class UnfinishedBodies {
  readonly #maxBytes: number;
  readonly #time: number;
  /** The oldest first. */
  readonly #held = new Set<Held>();
  readonly #counts = new Map<string, number>();
  /** Kept, because a full memory is when most bodies are there to be looked through. */
  readonly #groups = new Map<string, Group>();
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor({ maxBytes, time }: UnfinishedBodiesOptions) {
    this.#maxBytes = maxBytes;
    this.#time = time;
  }

  /** How many there are. */
  get size(): number {
    return this.#held.size;
  }

  /** Bytes set aside for them. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts a body until it has arrived, or the request was answered without it, or the connection has ended.
   * @returns why it is not to be read; null: it may be
   */
  take(body: UnfinishedBody): 'many' | 'crowded' | null {
    const { sender, request, response } = body;
    const count = this.#counts.get(sender.id) ?? 0;
    if (count >= sender.most) return 'many';
    const held: Held = { ...body, bytes: body.bytes + OVERHEAD, begun: performance.now() };
    if (!this.#makeRoom(held)) return 'crowded';
    this.#add(held, count + 1);
    const giveBack = (): void => this.#giveBack(held);
    request.on('end', giveBack);
    // A request that is answered before its body is whole does not emit close.
    response.on('close', giveBack);
    // One for all of them: most bodies are whole long before it ends.
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
    const before = performance.now() - this.#time;
    for (const held of this.#held) {
      if (held.begun > before) return;
      this.#end(held, 'slow');
    }
  }

  /** Ends bodies of whoever takes most until there is room. False: nobody takes more than the one who asks. */
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
