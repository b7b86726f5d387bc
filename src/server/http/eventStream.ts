import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Refusal } from '../../core/errors/refusal.js';
import { Message } from '../streams/message.js';
import type { Sink } from '../../core/streams/stream.js';
import type { Reader, WaitingBytes } from '../../core/streams/waitingBytes.js';

/** After this many unread heartbeats, the reader is considered gone. */
const MAX_UNREAD_BEATS = 4;

/** How long a reader may take to read the last message, in ms. */
const LAST_WORD = 5_000;

/**
 * Maximum number of bytes written to a connection at a time. The rest of a message stays in the buffer that all its
 * streams share: TLS copies whatever it gets, and data passed to Node can't be taken back.
 */
const SLICE = 16 * 1024;

const BEAT = ':\n\n';

interface EventStreamOptions {
  /** The header fields of every response. */
  readonly headers: OutgoingHttpHeaders;
  readonly workspaceId: string;
  readonly waiting: WaitingBytes;
}

/**
 * A stream as Server-Sent Events, with the messages of the distinct connections mode of GraphQL over SSE: `next` with a
 * result, `complete` at the end.
 */
export class EventStream implements Sink<Message>, Reader {
  readonly workspaceId: string;
  readonly #response: ServerResponse;
  readonly #bytes: WaitingBytes;
  readonly #queue: Message[] = [];
  /** Messages that are partly in the socket's buffer, which keeps all of their bytes in memory. */
  readonly #leaving = new Set<Message>();
  /** Bytes of the first message that were written to the connection. */
  #given = 0;
  #queued = 0;
  /** Bytes in the socket's buffer at the last check. */
  #buffered = 0;
  #unread = 0;
  #isEnding = false;
  /** The last time when the socket accepted data, or had no data to accept. */
  #takenAt = performance.now();
  #events = (): number => 0;
  #onRoom = (): void => undefined;
  #onOverflow = (_refusal: Refusal): void => undefined;

  /** Starts the response. */
  constructor(response: ServerResponse, { headers, workspaceId, waiting }: EventStreamOptions) {
    this.workspaceId = workspaceId;
    this.#response = response;
    this.#bytes = waiting;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      // Asks nginx not to buffer the response, which would delay events.
      'x-accel-buffering': 'no',
      // The connection ends with the stream. A draining server must not wait for another request on it.
      connection: 'close',
    });
    const leave = waiting.join(this);
    response.on('drain', () => this.#pump());
    response.once('close', () => {
      this.#drop(0);
      for (const message of this.#leaving) this.#left(message);
      this.#count();
      leave();
      this.#onRoom();
    });
    // Some browsers consider a response started only when part of the body has arrived.
    this.#beat();
  }

  get hasRoom(): boolean {
    return this.#isOver() || (this.#queue.length === 0 && !this.#response.writableNeedDrain);
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get stalledFor(): number {
    return performance.now() - this.#takenAt;
  }

  get messages(): number {
    return this.#queue.length;
  }

  get waiting(): number {
    return this.#events() + this.#queued + this.#buffered;
  }

  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  onOverflow(listener: (refusal: Refusal) => void, events: () => number): void {
    this.#onOverflow = listener;
    this.#events = events;
  }

  send(message: Message): void {
    if (this.#isOver() || this.#isEnding) return;
    if (this.hasRoom) this.#takenAt = performance.now();
    this.#enqueue(message);
    this.#pump();
    this.#bytes.enforce();
  }

  beat(): void {
    if (this.#isOver()) return;
    if (!this.hasRoom) {
      this.#unread += 1;
      if (this.#unread >= MAX_UNREAD_BEATS) this.#response.destroy();
      return;
    }
    this.#unread = 0;
    this.#beat();
  }

  complete(last: object | null): void {
    if (this.#isOver() || this.#isEnding) return;
    this.#isEnding = true;
    this.#events = () => 0;
    // Finishes the message that is being sent: a reader can't use half a message.
    this.#drop(this.#given > 0 ? 1 : 0);
    if (last !== null) this.#enqueue(Message.next(last));
    this.#enqueue(Message.complete());
    const response = this.#response;
    const timer = setTimeout(() => response.destroy(), LAST_WORD).unref();
    response.once('close', () => clearTimeout(timer));
    this.#pump();
  }

  #beat(): void {
    this.#response.write(BEAT, () => this.#count());
    this.#count();
  }

  overflow(refusal: Refusal): void {
    this.#onOverflow(refusal);
  }

  destroy(): void {
    this.#drop(0);
    // A closed socket frees its buffer within this turn of the event loop.
    this.#response.destroy();
    for (const message of this.#leaving) this.#left(message);
    this.#count();
  }

  #enqueue(message: Message): void {
    this.#bytes.hold(message, message.bytes.length);
    this.#queue.push(message);
    this.#queued += message.bytes.length;
  }

  /** @param keep the number of messages at the front to keep */
  #drop(keep: number): void {
    for (const message of this.#queue.splice(keep)) {
      this.#queued -= message.bytes.length;
      this.#bytes.release(message, message.bytes.length);
    }
    if (keep === 0) this.#given = 0;
  }

  /** Writes to the connection while it has room. */
  #pump(): void {
    const response = this.#response;
    while (!this.#isOver() && !response.writableNeedDrain) {
      const [message] = this.#queue;
      if (message === undefined) break;
      const end = Math.min(this.#given + SLICE, message.bytes.length);
      const isLast = end === message.bytes.length;
      response.write(message.bytes.subarray(this.#given, end), () => this.#taken(isLast ? message : null));
      this.#given = isLast ? 0 : end;
      if (!isLast) continue;
      this.#queue.shift();
      this.#queued -= message.bytes.length;
      this.#leaving.add(message);
    }
    this.#count();
    if (this.#isEnding && this.#queue.length === 0 && !this.#isOver()) response.end();
    if (this.hasRoom) this.#onRoom();
  }

  /** @param message a message that was written completely */
  #taken(message: Message | null): void {
    this.#takenAt = performance.now();
    if (message !== null) this.#left(message);
    this.#count();
  }

  #left(message: Message): void {
    if (this.#leaving.delete(message)) this.#bytes.release(message, message.bytes.length);
  }

  #count(): void {
    const buffered = this.#response.destroyed ? 0 : this.#response.writableLength;
    this.#bytes.change(buffered - this.#buffered);
    this.#buffered = buffered;
  }

  #isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }
}
