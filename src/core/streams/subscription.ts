import { setImmediate as turn } from 'node:timers/promises';
import type { AuthenticatedPrincipal } from '../auth/principal.js';
import type { EventMeter } from './eventMeter.js';
import { EventQueue } from './queue.js';
import type { Stream } from './stream.js';
import type { Turns } from '../util/turns.js';
import type { WaitingBytes } from './waitingBytes.js';

/** The number of streams that a message is passed to within one turn of the event loop. */
const BATCH = 100;

interface SubscriptionOptions<Message> {
  readonly source: AsyncIterator<unknown>;
  readonly meter: EventMeter;
  readonly turns: Turns;
  /** Returns the result for an event. It must be the same for all streams. */
  readonly answer: (event: unknown, principal: AuthenticatedPrincipal) => object | Promise<object>;
  /** Returns the message with a result. */
  readonly messageOf: (result: object) => Message;
  readonly bytes: WaitingBytes;
  /** Returns the memory of an event in bytes. */
  readonly bytesOf: (event: unknown) => number;
  /** Called once, when there are no more readers. */
  readonly onEnd: () => void;
}

interface Arrived {
  readonly event: unknown;
  /** The memory of a message in bytes. */
  readonly bytes: number;
  /** The number of the event, from 0. */
  readonly place: number;
}

/**
 * A subscription and the streams of one credential that use it. Each event is executed, counted and serialized once for
 * all of them, at the speed of the fastest reader. For slower readers, messages wait. Before each event, the credential
 * is checked as for a request, so that nothing is sent to a key that was revoked, has expired or lost the scope.
 */
export class Subscription<Message> {
  readonly #options: SubscriptionOptions<Message>;
  /** With the number of the first event for each stream. */
  readonly #streams = new Map<Stream<Message>, number>();
  readonly #waiting = new EventQueue<Arrived>((overflow) => {
    if (overflow !== null) this.#end(this.#options.meter.giveUp() ?? overflow);
  });
  /** The number of pending events. */
  readonly #held = new Set<Arrived>();
  #heldBytes = 0;
  #arrived = 0;
  #isRunning = false;
  #hasEnded = false;
  /** Called when a stream may have room again or has ended. */
  #wake = (): void => undefined;

  constructor(options: SubscriptionOptions<Message>) {
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends events to the stream from now on. The first stream starts the source. */
  join(stream: Stream<Message>): void {
    this.#streams.set(stream, this.#arrived);
    if (!this.#isRunning) void this.#run();
    stream.joins(
      () => this.#wake(),
      () => this.#heldBytes,
    );
    stream.onEnd(() => {
      this.#streams.delete(stream);
      this.#wake();
      this.endIfUnused();
    });
  }

  /** Ends the source if there are no more readers. */
  endIfUnused(): void {
    if (this.#streams.size === 0) this.#end();
  }

  /** Sends events until the source or the last stream ends. Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    void this.#gather();
    try {
      while (!this.#isOver()) {
        const next = await this.#waiting.next();
        if (next.done === true) break;
        await this.#tell(next.value);
        this.#release(next.value);
      }
      this.#end();
    } catch (error) {
      this.#end(error);
    }
  }

  async #tell({ event, place }: Arrived): Promise<void> {
    const { meter, turns, answer, messageOf } = this.#options;
    await this.#room(place);
    const [first] = this.#readers(place);
    if (first === undefined) return;
    await meter.take(first.credential.principal);
    await this.#settle(place);
    const [reader] = this.#readers(place);
    if (reader === undefined) return;
    const { principal } = reader.credential;
    const result = await turns.run(principal.workspaceId, () => answer(event, principal));
    // If there was a change in the meantime, its result comes first.
    if (this.#readers(place).some(({ credential }) => credential.isDoubted)) await this.#settle(place);
    await this.#send(place, messageOf(result));
  }

  async #send(place: number, message: Message): Promise<void> {
    let left = BATCH;
    for (const stream of this.#readers(place)) {
      if (left === 0) {
        await turn();
        left = BATCH;
      }
      left -= 1;
      stream.send(message);
    }
  }

  /** The streams that were open when the event arrived. */
  #readers(place: number): Stream<Message>[] {
    const readers: Stream<Message>[] = [];
    for (const [stream, from] of this.#streams) if (from <= place && !stream.hasEnded) readers.push(stream);
    return readers;
  }

  /** Waits until a reader has room, or there is none. An event that has no reader is not executed. */
  async #room(place: number): Promise<void> {
    for (;;) {
      const readers = this.#readers(place);
      if (readers.length === 0 || readers.some(({ hasRoom }) => hasRoom)) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /**
   * Checks the credentials of the readers if that is due. Streams whose credential is refused have ended afterwards.
   */
  async #settle(place: number): Promise<void> {
    for (const credential of new Set(this.#readers(place).map((stream) => stream.credential))) {
      const judging = credential.settle();
      if (judging !== undefined) await judging;
    }
  }

  #end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { source, meter, onEnd } = this.#options;
    for (const stream of [...this.#streams.keys()]) stream.end(error);
    void this.#waiting.return();
    for (const arrived of this.#held) this.#release(arrived);
    meter.stop();
    source.return?.().catch(() => undefined);
    this.#wake();
    onEnd();
  }

  async #gather(): Promise<void> {
    const { source } = this.#options;
    try {
      while (!this.#isOver()) {
        const next: IteratorResult<unknown, unknown> = await source.next();
        if (next.done === true) break;
        this.#hold({ event: next.value, bytes: this.#options.bytesOf(next.value), place: this.#arrived });
        this.#arrived += 1;
      }
      this.#waiting.finish();
    } catch (error) {
      this.#end(error);
    }
  }

  #hold(arrived: Arrived): void {
    if (this.#hasEnded) return;
    this.#held.add(arrived);
    this.#heldBytes += arrived.bytes;
    if (isObject(arrived.event)) this.#options.bytes.hold(arrived.event, arrived.bytes);
    this.#waiting.push(arrived);
    this.#options.bytes.enforce();
  }

  #release(arrived: Arrived): void {
    if (!this.#held.delete(arrived)) return;
    this.#heldBytes -= arrived.bytes;
    if (isObject(arrived.event)) this.#options.bytes.release(arrived.event, arrived.bytes);
  }

  /** Not the field itself, because the compiler assumes that it does not change during an await. */
  #isOver(): boolean {
    return this.#hasEnded;
  }
}

function isObject(event: unknown): event is object {
  return typeof event === 'object' && event !== null;
}
