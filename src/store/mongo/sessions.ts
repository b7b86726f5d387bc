import type mongoose from 'mongoose';
import type { Connection } from 'mongoose';

/**
 * How recent a read is at least. `majority`: acknowledged by the majority of the replica set, and not older than anything that
 * this process has read or written. `linearizable`: in addition, the server has asked a majority during the read whether it is
 * still the primary, which costs a round trip between the members.
 */
export type ReadConcern = 'majority' | 'linearizable';

/**
 * Runs each operation in a session of its own, and all of them in causal order: a read carries the newest time of the cluster that
 * this process has heard of (`afterClusterTime`). Without it, a majority read just after an election may miss a write that was
 * acknowledged before it. A server without such times, as a standalone one, sends none, and then none are sent.
 */
export class Sessions {
  readonly #connection: Connection;
  #newest: mongoose.mongo.Timestamp | undefined;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static #known = new WeakMap<Connection, Sessions>();

  /** Returns the sessions that all collections of a connection share. */
  static of(connection: Connection): Sessions {
    const known = Sessions.#known.get(connection) ?? new Sessions(connection);
    Sessions.#known.set(connection, known);
    return known;
  }

  /** @param readConcern a linearizable read can't be part of a causal order; it needs none */
  async run<T>(
    work: (session: mongoose.mongo.ClientSession) => Promise<T>,
    readConcern: ReadConcern = 'majority',
  ): Promise<T> {
    const causalConsistency = readConcern === 'majority';
    const session = this.#connection.getClient().startSession({ causalConsistency });
    if (causalConsistency && this.#newest !== undefined) session.advanceOperationTime(this.#newest);
    try {
      return await work(session);
    } finally {
      this.#note(session.operationTime);
      await session.endSession();
    }
  }

  #note(time: mongoose.mongo.Timestamp | undefined): void {
    if (time === undefined || this.#newest?.greaterThanOrEqual(time) === true) return;
    this.#newest = time;
  }
}
