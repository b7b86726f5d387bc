import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Feed } from '../../core/util/feed.js';
import { within } from './within.js';

/**
 * Sender and message. Anyone who can write to Redis can publish here, so the length of a message is checked before it
 * is parsed.
 */
const MESSAGE = /^([\w-]{1,64}) (.+)$/;
const MAX_LENGTH = 64 * 1024;

/**
 * Time between two checks of the subscription, and between two attempts to announce lost messages, in ms. A dead
 * connection would not report itself.
 */
const LOOK_EVERY = 1_000;

/** Timeout of such a check, in ms. */
const SILENCE = 2_000;

/** In place of a message: some messages of this sender were lost. No wire format produces it. */
const LOST = '-';

/** The format of one kind of message. */
export interface Wire<Message> {
  readonly channel: string;
  /** Returns the message as one line of text. */
  write(message: Message): string;
  /** @returns null if the text is not a valid message */
  read(text: string): Message | null;
}

interface RedisFeedOptions {
  /** Connections that do not queue commands, see `connectionTo`. The code that opened them closes them. */
  readonly publisher: Redis;
  /** Used only for feeds. */
  readonly subscriber: Redis;
}

/**
 * Sends messages by Redis' publish and subscribe, which reaches only current subscribers. After a process reconnects,
 * its listeners learn that it may have missed messages. After a process failed to publish, the listeners of all others
 * do.
 */
export class RedisFeed<Message> implements Feed<Message> {
  readonly #id = randomUUID();
  readonly #wire: Wire<Message>;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners: ((message: Message | null) => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Whether one of this process' own messages was lost. */
  #lost = false;

  constructor({ publisher, subscriber }: RedisFeedOptions, wire: Wire<Message>) {
    this.#wire = wire;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    subscriber.on('message', (channel, text) => {
      if (channel === wire.channel) this.#hear(text);
    });
  }

  /** Starts to listen. Call once, on an open connection. Rejects if Redis refuses the subscription. */
  async listen(): Promise<void> {
    const { channel } = this.#wire;
    await this.#subscriber.subscribe(channel);
    this.#subscriber.on('ready', () => {
      // Only after subscribing: otherwise messages sent before that would be missed.
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
      // If there is no reply, a new connection is made, and the listeners are notified.
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

/** A failed subscription leads to a reconnection, which notifies the listeners. */
function ignored(): void {
  // Nothing to do.
}
