import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Change, ChangeFeed } from '../keys/changes.js';

const CHANNEL = 'latchkey:changes';

/** Sender, kind, and what changed. Whoever can write to Redis can write here, so that nothing else is looked at. */
const MESSAGE = /^([\w-]{1,64}) (key|workspace) (.{1,200})$/;

/** Between two questions whether the subscription still stands, in ms: a silent connection would never tell. */
const PING_EVERY = 1_000;

export interface RedisChangesOptions {
  /** Connections on which nothing waits: see `connectionTo`. Who opened them closes them. */
  readonly publisher: Redis;
  /** Used for nothing else. */
  readonly subscriber: Redis;
}

/**
 * Changes by Redis's publish and subscribe, which reaches whoever listens at that moment. A process that cannot be reached
 * is told that it may have missed some as soon as it listens again; until then its remembered records' time bounds it.
 */
export class RedisChanges implements ChangeFeed {
  readonly #id = randomUUID();
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners: ((change: Change | null) => void)[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor({ publisher, subscriber }: RedisChangesOptions) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    subscriber.on('message', (_channel, message) => this.#hear(message));
  }

  /** Begins to listen. To be called once, on an open connection. Rejects where Redis does not let it. */
  async listen(): Promise<void> {
    await this.#subscriber.subscribe(CHANNEL);
    this.#subscriber.on('ready', () => {
      // Only once the subscription stands again, or what comes between would be missed after all.
      this.#subscriber.subscribe(CHANNEL).then(() => this.#tell(null), ignored);
    });
    this.#timer = setInterval(() => this.#subscriber.ping().catch(ignored), PING_EVERY).unref();
  }

  publish(change: Change): void {
    const subject = change.kind === 'key' ? change.lookupId : change.workspaceId;
    this.#publisher.publish(CHANNEL, `${this.#id} ${change.kind} ${subject}`).catch(ignored);
  }

  subscribe(listener: (change: Change | null) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #hear(message: string): void {
    const [, sender, kind, subject] = MESSAGE.exec(message) ?? [];
    if (subject === undefined || sender === this.#id) return;
    this.#tell(kind === 'key' ? { kind, lookupId: subject } : { kind: 'workspace', workspaceId: subject });
  }

  #tell(change: Change | null): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** A publication that did not arrive, a ping without an answer: both end by a reconnection, which tells the listeners. */
function ignored(): void {
  // Nothing to do.
}
