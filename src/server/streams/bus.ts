import { LRUCache } from 'lru-cache';
import { growing } from '../../core/util/growing.js';
import type { Feed } from '../../core/util/feed.js';
import type { KeyEvent, KeyEventType } from '../../core/keys/keyEvent.js';
import type { EventKinds, StreamEvent } from './streamEvent.js';
import { EventQueue } from '../../core/streams/queue.js';

/**
 * Uses of a key show the same fact repeatedly and in several processes, so it is published once in this interval. In
 * ms.
 */
const REPEATED: ReadonlySet<KeyEventType> = new Set<KeyEventType>(['LIMITED', 'EXPIRING', 'NEW_ADDRESS']);
const AGAIN_AFTER = 60_000;
const MAX_REMEMBERED = 10_000;

type Wanted = (event: StreamEvent) => boolean;

/**
 * Delivers events to the streams of this process, and to those of other processes through the feed. At most once:
 * events without a listener, or while the feed is unavailable, are lost.
 */
export class EventBus {
  readonly #kinds: EventKinds;
  readonly #feed: Feed<StreamEvent> | null;
  readonly #queues = new Map<string, Map<EventQueue<StreamEvent>, Wanted>>();
  readonly #told = new LRUCache<string, number>(growing(MAX_REMEMBERED));

  /** @param feed null if there is only this process */
  constructor(kinds: EventKinds, feed: Feed<StreamEvent> | null = null) {
    this.#kinds = kinds;
    this.#feed = feed;
    feed?.subscribe((event) => {
      if (event !== null && this.#isNew(event)) this.#deliver(event);
    });
  }

  /** Neither waits nor throws. */
  readonly publish = (event: StreamEvent): void => {
    if (!this.#isNew(event)) return;
    this.#deliver(event);
    this.#feed?.publish(event);
  };

  /**
   * Returns the events of a topic from now on, until `return` is called.
   *
   * @param wanted returns whether an event may take a place in the queue
   */
  readonly listen = (topic: string, wanted: Wanted = () => true): EventQueue<StreamEvent> => {
    const queues = this.#queues.get(topic) ?? new Map<EventQueue<StreamEvent>, Wanted>();
    this.#queues.set(topic, queues);
    const queue = new EventQueue<StreamEvent>(() => {
      queues.delete(queue);
      if (queues.size === 0 && this.#queues.get(topic) === queues) this.#queues.delete(topic);
    });
    queues.set(queue, wanted);
    return queue;
  };

  #deliver(event: StreamEvent): void {
    const topic = this.#kinds.topicOf(event);
    if (topic === null) return;
    for (const [queue, wanted] of this.#queues.get(topic) ?? []) if (wanted(event)) queue.push(event);
  }

  #isNew(event: StreamEvent): boolean {
    if (!isRepeated(event)) return true;
    const name = `${event.keyId} ${event.type} ${event.address ?? ''}`;
    const before = this.#told.get(name);
    if (before !== undefined && event.at - before < AGAIN_AFTER) return false;
    this.#told.set(name, event.at);
    return true;
  }
}

function isRepeated(event: StreamEvent): event is KeyEvent {
  return event.kind === 'key' && REPEATED.has((event as KeyEvent).type);
}
