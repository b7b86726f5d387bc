import type { Operation } from './operation.js';

/** An open stream, with the operation whose cost each event has. */
interface OpenStream {
  readonly operation: Operation;
  readonly request: string;
}

/** The open streams of one key. */
export class PacedStreams {
  /** By request, the oldest first. */
  readonly #streams = new Map<string, Set<OpenStream>>();

  /** The number of different requests. */
  get size(): number {
    return this.#streams.size;
  }

  /** @param request its body */
  add(operation: Operation, request: string): OpenStream {
    const stream = { operation, request };
    const same = this.#streams.get(request);
    if (same === undefined) this.#streams.set(request, new Set([stream]));
    else same.add(stream);
    return stream;
  }

  /** Can be called more than once. */
  delete(stream: OpenStream): void {
    const same = this.#streams.get(stream.request);
    if (same?.delete(stream) === true && same.size === 0) this.#streams.delete(stream.request);
  }

  /**
   * Returns whether the events of a stream are counted. The server counts an event once for all streams with the same request, so the
   * client counts only the events of the oldest stream.
   */
  isCounted(stream: OpenStream): boolean {
    const [oldest] = this.#streams.get(stream.request) ?? [];
    return oldest === stream;
  }

  /** Returns the highest cost of an event of the streams whose kind is accepted; 0 if there is no such stream. */
  costIn(accepts: (kind: string) => boolean): number {
    let highest = 0;
    for (const [stream] of this.#streams.values()) {
      if (stream === undefined) continue;
      const { cost, kind } = stream.operation;
      if (cost > highest && accepts(kind)) highest = cost;
    }
    return highest;
  }
}
