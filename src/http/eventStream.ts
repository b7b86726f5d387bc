import { print } from 'graphql-sse';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Sink } from '../streams/stream.js';

/** Beats that a reader may leave unread before it is taken for gone. */
const MAX_UNREAD_BEATS = 4;

/** How long a reader may take for the last word, in ms. */
const LAST_WORD = 5_000;

/**
 * A stream as Server-Sent Events, in the messages of GraphQL over SSE's distinct connections mode: `next` with a result,
 * `complete` at the end. What Node could not yet hand on is one result at most, for the next waits for it.
 */
export class EventStream implements Sink {
  readonly #response: ServerResponse;
  #unread = 0;

  /** Begins the answer. @param headers those that every answer has */
  constructor(response: ServerResponse, headers: OutgoingHttpHeaders) {
    this.#response = response;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy that gathers an answer would hold back events: nginx is asked not to.
      'x-accel-buffering': 'no',
      // The connection ends with the stream, which at a drain must not wait for another request.
      connection: 'close',
    });
    // Some browsers take the answer for begun only when something of the body has come.
    response.write(':\n\n');
  }

  async send(result: object): Promise<void> {
    if (this.#isOver() || this.#response.write(print({ event: 'next', data: result }))) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }

  beat(): void {
    if (!this.#response.writableNeedDrain) {
      this.#unread = 0;
      this.#response.write(':\n\n');
    } else if (++this.#unread >= MAX_UNREAD_BEATS) this.#response.destroy();
  }

  complete(last: object | null): void {
    if (this.#isOver()) return;
    const response = this.#response;
    if (last !== null) response.write(print({ event: 'next', data: last }));
    response.end(print({ event: 'complete', data: null }));
    const timer = setTimeout(() => response.destroy(), LAST_WORD).unref();
    response.once('close', () => clearTimeout(timer));
  }

  #isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }
}
