import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Feed } from '../feed.js';
import { within } from './within.js';

/** Sender and message. Whoever can write to Redis can write here, so that a message is bounded before it is looked at. */
const MESSAGE = /^([\w-]{1,64}) (.+)$/;
const MAX_LENGTH = 64 * 1024;

/**
 * Between two questions whether the subscription still stands, and two attempts to tell of what was lost, in ms: a silent
 * connection would never tell.
 */
const LOOK_EVERY = 1_000;

/** How long an answer to that may take, in ms. */
const SILENCE = 2_000;

/** In place of a message: some of this sender's did not arrive. No wire writes it. */
const LOST = '-';

/** How messages of one kind are written. */
export interface Wire<Message> {
  readonly channel: string;
  /** In one line. */
  write(message: Message): string;
  /** @returns null for what is no such message */
  read(text: string): Message | null;
}

export interface RedisFeedOptions {
  /** Connections on which nothing waits: see `connectionTo`. Who opened them closes them. */
  readonly publisher: Redis;
  /** Used for feeds alone. */
  readonly subscriber: Redis;
}

/**
 * Messages by Redis's publish and subscribe, which reaches whoever listens at that moment. A process that could not be reached
 * is told that it may have missed some as soon as it listens again, and all others are when one could not publish.
 */
export class RedisFeed<Message> implements Feed<Message> {
  readonly #id = randomUUID();
  readonly #wire: Wire<Message>;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners: ((message: Message | null) => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Did one of this process's own messages not arrive? */
  #lost = false;

  constructor({ publisher, subscriber }: RedisFeedOptions, wire: Wire<Message>) {
    this.#wire = wire;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    subscriber.on('message', (channel, text) => {
      if (channel === wire.channel) this.#hear(text);
    });
  }

  /** Begins to listen. To be called once, on an open connection. Rejects where Redis does not let it. */
  async listen(): Promise<void> {
    const { channel } = this.#wire;
    await this.#subscriber.subscribe(channel);
    this.#subscriber.on('ready', () => {
      // Only once the subscription stands again, or what comes between would be missed after all.
      this.#subscriber.subscribe(channel).then(() => this.#tell(null), ignored);
    });
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY).unref();
  }

  publish(message: Message): void {
    this.#send(this.#wire.write(message));
  }

  subscribe(listener: (message: Message | null) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #send(written: string): void {
    const text = `${this.#id} ${written}`;
    if (text.length > MAX_LENGTH) return;
    this.#publisher.publish(this.#wire.channel, text).catch(() => (this.#lost = true));
  }

  #look(): void {
    if (this.#subscriber.status === 'ready') {
      const { stream } = this.#subscriber;
      // Without an answer a new connection is made, which tells the listeners.
      within(SILENCE, this.#subscriber.ping()).catch(() => stream.destroy());
    }
    if (!this.#lost) return;
    this.#lost = false;
    this.#send(LOST);
  }

  #hear(text: string): void {
    if (text.length > MAX_LENGTH) return;
    const [, sender, written] = MESSAGE.exec(text) ?? [];
    if (written === undefined || sender === this.#id) return;
    const message = written === LOST ? null : this.#wire.read(written);
    if (message !== null || written === LOST) this.#tell(message);
  }

  #tell(message: Message | null): void {
    for (const listener of this.#listeners) listener(message);
  }
}

/** A subscription that failed ends by a reconnection, which tells the listeners. */
function ignored(): void {
  // Nothing to do.
}
