import type mongoose from 'mongoose';
import type { Connection } from 'mongoose';

/**
 * The guarantee for a read. `majority`: acknowledged by the majority of the replica set, and not older than anything
 * that this process has read or written. `linearizable`: in addition, the server asks a majority during the read
 * whether it is still the primary, which costs a round trip between the members.
 */
export type ReadConcern = 'majority' | 'linearizable';

/**
 * Runs each operation in a separate session, but all of them with causal consistency: a read contains the newest
 * cluster time that this process has seen (`afterClusterTime`). Without it, a majority read just after an election may
 * miss a write that was acknowledged before it. A standalone server has no cluster time, and then none is sent.
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

  /** @param readConcern a linearizable read can't use causal consistency, and doesn't need it */
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
