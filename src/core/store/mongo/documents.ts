import mongoose, { type Connection, type Schema, type SortOrder } from 'mongoose';
import { afterFirstWrite, StoreUnavailable } from '../storeErrors.js';
import { E11000, type UniqueNames } from './driverErrors.js';
import type { Gate } from './gate.js';
import { Sessions, type ReadConcern } from './sessions.js';

type Scalar = string | number | boolean | Date | null;
export type Condition = ReturnType<typeof eq> | ReturnType<typeof where>;
export type Filter = Readonly<Record<string, Condition>>;

/**
 * Matches exactly this value. All values from callers pass through here, so that they can't be interpreted as
 * operators.
 */
export function eq(value: Scalar) {
  return { $eq: value };
}

/**
 * Marks operators that this code wrote as trusted, because the owner of a connection may have enabled sanitizeFilter.
 */
export function where<T extends object>(operators: T): T {
  return mongoose.trusted(operators as never);
}

/** Returns a list in parts of at most this number. */
export function parts<T>(rows: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / most) }, (_, i) => rows.slice(i * most, (i + 1) * most));
}

export interface Update {
  readonly $set?: object;
  readonly $unset?: Readonly<Record<string, ''>>;
}

/** Matches if the fields still have the values of the record. A missing list is equal to an empty one. */
export function unchanged<T extends object>(record: T, fields: readonly (keyof T & string)[]): Filter {
  return Object.fromEntries(fields.map((field) => [field, still(record[field] as Scalar | readonly Scalar[])]));
}

function still(value: Scalar | readonly Scalar[]): Condition {
  if (!isList(value)) return eq(value);
  return value.length === 0 ? where({ $in: [[], null] }) : where({ $eq: [...value] });
}

function isList(value: Scalar | readonly Scalar[]): value is readonly Scalar[] {
  return Array.isArray(value);
}

/** Passed with each write: Mongoose doesn't apply the schema's write concern if there is a session. */
const MAJORITY = { writeConcern: { w: 'majority', j: true } } as const;

type Bulk<T> = Parameters<mongoose.Model<T>['bulkWrite']>[0];

interface Selection {
  readonly sort?: Readonly<Record<string, SortOrder>>;
  readonly limit?: number;
  /** The fields to read; absent for all fields. */
  readonly fields?: readonly string[];
  /** The name of the index to use. Default: the server's choice. */
  readonly hint?: string;
  /** Default: `majority`. */
  readonly readConcern?: ReadConcern;
}

interface Aggregation extends Pick<Selection, 'readConcern'> {
  /** In ms. Default: the gate's timeout. */
  readonly timeout?: number;
}

type Session = mongoose.mongo.ClientSession;

interface CollectionOptions {
  /** Of the model. It gets a prefix, so that it can't conflict with a model of the connection's owner. */
  readonly name: string;
  readonly schema: Schema;
  readonly unique: UniqueNames;
}

/**
 * One collection, with the calls that this engine uses: lean reads with read concern majority, writes with write
 * concern majority and journal, each through the gate and causally consistent. The server aborts a read when the gate
 * stops waiting for it, so that no read continues after its caller got an error.
 */
export class Documents<T extends object> {
  readonly #model: mongoose.Model<T>;
  readonly #gate: Gate;
  readonly #sessions: Sessions;
  readonly #unique: UniqueNames;

  constructor(connection: Connection, gate: Gate, { name, schema, unique }: CollectionOptions) {
    const prefixed = `Latchkey${name}`;
    const known = connection.models[prefixed] as mongoose.Model<T> | undefined;
    this.#model = known ?? (connection.model(prefixed, schema) as unknown as mongoose.Model<T>);
    this.#gate = gate;
    this.#sessions = Sessions.of(connection);
    this.#unique = unique;
  }

  get collectionName(): string {
    return this.#model.collection.name;
  }

  find(filter: Filter, selection: Selection = {}): Promise<T[]> {
    const { sort = {}, limit = 0, fields = [], hint, readConcern = 'majority' } = selection;
    return this.#pass(async (session) => {
      const query = this.#model
        .find(filter as never)
        .sort(sort)
        .limit(limit)
        .select([...fields])
        .readConcern(readConcern)
        .session(session)
        .maxTimeMS(this.#gate.timeout);
      if (hint !== undefined) query.hint(hint);
      return await query.lean().exec();
    }, readConcern);
  }

  async findOne(filter: Filter, readConcern: ReadConcern = 'majority'): Promise<T | null> {
    const [document] = await this.find(filter, { limit: 1, readConcern });
    return document ?? null;
  }

  /** @param hint the name of the index to use; default: the server's choice */
  count(filter: Filter, hint?: string): Promise<number> {
    return this.#pass(async (session) => {
      const query = this.#model
        .countDocuments(filter as never)
        .readConcern('majority')
        .session(session)
        .maxTimeMS(this.#gate.timeout);
      if (hint !== undefined) query.hint(hint);
      return await query.exec();
    });
  }

  aggregate<R>(pipeline: mongoose.PipelineStage[], { timeout, readConcern }: Aggregation = {}): Promise<R[]> {
    const level = readConcern ?? 'majority';
    const options = { maxTimeMS: timeout ?? this.#gate.timeout, readConcern: { level }, ...MAJORITY };
    return this.#pass(
      (session) => this.#model.aggregate<R>(pipeline, { ...options, session }).exec(),
      level,
      options.maxTimeMS,
    );
  }

  /** @throws Duplicate */
  async insert(document: T): Promise<void> {
    await this.#change((session) => this.#model.insertOne(document as never, { ...MAJORITY, session }));
  }

  /**
   * Adds documents in this order, with one command, until one has a unique value that already exists.
   *
   * @returns the number of added documents
   */
  async insertInOrder(documents: readonly T[]): Promise<number> {
    const options = { ordered: true, throwOnValidationError: true, ...MAJORITY } as const;
    // Outside the round trip, because the gate may repeat it, and documents that were added the first time must be kept.
    let added = 0;
    await this.#change(async (session) => {
      const left = documents.slice(added).map((document) => ({ insertOne: { document } })) as Bulk<T>;
      try {
        await this.#model.bulkWrite(left, { ...options, session });
        added = documents.length;
      } catch (error) {
        const [refused] = refusalsIn(error);
        if (refused === undefined) throw error;
        added += refused.index;
        if (refused.code !== E11000) throw error;
      }
    });
    return added;
  }

  /**
   * Changes one document atomically. A list of stages is an update by aggregation.
   *
   * @returns the document after the change; null if none matched
   * @throws Duplicate
   */
  update(
    filter: Filter,
    update: Update | mongoose.UpdateWithAggregationPipeline,
    { fields = [] }: Pick<Selection, 'fields'> = {},
  ): Promise<T | null> {
    return this.#change(async (session) => {
      const options = { returnDocument: 'after', updatePipeline: Array.isArray(update), ...MAJORITY, session } as const;
      return await this.#model
        .findOneAndUpdate(filter as never, update as never, options)
        .select([...fields])
        .lean()
        .exec();
    });
  }

  /** @returns whether a document existed */
  remove(filter: Filter): Promise<boolean> {
    return this.#change(async (session) => {
      const options = { ...MAJORITY, session };
      return (await this.#model.deleteOne(filter as never, options).exec()).deletedCount > 0;
    });
  }

  async removeMany(filter: Filter): Promise<void> {
    await afterFirstWrite(() =>
      this.#change((session) => this.#model.deleteMany(filter as never, { ...MAJORITY, session }).exec()),
    );
  }

  async updateMany(filter: Filter, update: Update): Promise<void> {
    // Changes to documents before the refused one are kept.
    await afterFirstWrite(() =>
      this.#change((session) =>
        this.#model.updateMany(filter as never, update as never, { ...MAJORITY, session }).exec(),
      ),
    );
  }

  /**
   * Runs the writes in any order. Repeats writes that failed because of a conflict with another process; the other
   * writes are kept.
   *
   * @returns the number of changed documents
   */
  async bulkWrite(operations: Bulk<T>): Promise<number> {
    const options = { ordered: false, ...MAJORITY } as const;
    // Outside the round trip, which the gate may repeat.
    let left = operations;
    let changed = 0;
    await this.#change(async (session) => {
      for (let attempts = 1; ; attempts++) {
        try {
          changed += (await this.#model.bulkWrite(left, { ...options, session })).modifiedCount;
          return;
        } catch (error) {
          const refused = refusalsIn(error);
          if (refused.length === 0) throw error;
          changed += (error as mongoose.mongo.MongoBulkWriteError).modifiedCount;
          left = left.filter((_, i) => refused.some(({ index }) => index === i));
          if (attempts === 5) throw error;
        }
      }
    });
    return changed;
  }

  /**
   * Runs upserts in any order, whose filters exclude documents that already have the change. An excluded document stays
   * as it is: the upsert fails at its unique value, even when it is repeated after a conflict.
   */
  async upsertOnce(operations: Bulk<T>): Promise<void> {
    const options = { ordered: false, ...MAJORITY } as const;
    // Outside the round trip, which the gate may repeat.
    let left = operations;
    await this.#change(async (session) => {
      for (let attempts = 1; left.length > 0; attempts++) {
        try {
          await this.#model.bulkWrite(left, { ...options, session });
          return;
        } catch (error) {
          const refused = new Map(refusalsIn(error).map(({ index, code }) => [index, code]));
          if (refused.size === 0) throw error;
          left = left.filter((_, i) => refused.has(i) && (attempts === 1 || refused.get(i) !== E11000));
          if (left.length > 0 && attempts === 5) throw error;
        }
      }
    });
  }

  /**
   * Adds documents in any order, except those with a unique value that already exists. Only the unique index decides
   * this, at the time of writing.
   *
   * @returns the documents that were not added
   */
  async insertNew(documents: readonly T[]): Promise<readonly T[]> {
    // Otherwise Mongoose would ignore documents that it cannot cast.
    const options = { ordered: false, throwOnValidationError: true, ...MAJORITY } as const;
    const taken: T[] = [];
    // Outside the round trip, which the gate may repeat: a document added the first time is not an existing document.
    let left = documents;
    await this.#change(async (session) => {
      for (let attempts = 1; left.length > 0; attempts++) {
        try {
          const inserts = left.map((document) => ({ insertOne: { document } })) as Bulk<T>;
          await this.#model.bulkWrite(inserts, { ...options, session });
          return;
        } catch (error) {
          const refused = new Map(refusalsIn(error).map(({ index, code }) => [index, code]));
          if (refused.size === 0) throw error;
          taken.push(...left.filter((_, i) => refused.get(i) === E11000));
          left = left.filter((_, i) => refused.has(i) && refused.get(i) !== E11000);
          if (left.length > 0 && attempts === 5) throw error;
        }
      }
    });
    return taken;
  }

  /**
   * Renames a field that an earlier release wrote: drops its indexes, and renames it in all documents. Does nothing if
   * it was already renamed.
   */
  async renameField(from: string, to: string, timeout: number): Promise<void> {
    // Without Mongoose, whose schema does not contain the old name.
    const collection = this.#model.db.db?.collection(this.collectionName);
    if (collection === undefined) throw new StoreUnavailable(new Error('The connection is not open.'));
    await this.#gate.pass(
      async () => {
        const indexes = await collection.indexes().catch(noneWhereNoCollection);
        // Without a collection there is nothing to rename. Indexes of the new name are only built after renaming.
        if (indexes.length === 0 || indexes.some(({ key }) => to in key)) return;
        for (const { name, key } of indexes) {
          if (name !== undefined && from in key) await collection.dropIndex(name, MAJORITY);
        }
        await collection.updateMany({ [from]: { $exists: true } }, { $rename: { [from]: to } }, MAJORITY);
      },
      { unique: this.#unique, timeout, isChange: true },
    );
  }

  /**
   * Builds missing indexes, and returns when they are ready, in a replica set on all voting members. Uses one command;
   * Mongoose would send one for each index.
   */
  async buildIndexes(timeout: number): Promise<void> {
    const indexes = this.#model.schema
      .indexes()
      .map(([key, options]) => ({ key, ...options }) as mongoose.mongo.IndexDescription);
    if (indexes.length === 0) return;
    const options = { unique: this.#unique, timeout, isChange: true };
    await this.#gate.pass(() => this.#model.collection.createIndexes(indexes), options);
  }

  #pass<R>(
    roundTrip: (session: Session) => Promise<R>,
    readConcern: ReadConcern = 'majority',
    timeout?: number,
  ): Promise<R> {
    return this.#gate.pass(() => this.#sessions.run(roundTrip, readConcern), { unique: this.#unique, timeout });
  }

  #change<R>(roundTrip: (session: Session) => Promise<R>): Promise<R> {
    return this.#gate.pass(() => this.#sessions.run(roundTrip), { unique: this.#unique, isChange: true });
  }
}

function noneWhereNoCollection(error: unknown): never[] {
  if (error instanceof Error && 'codeName' in error && error.codeName === 'NamespaceNotFound') return [];
  throw error;
}

interface Refused {
  /** The position in the bulk write. */
  readonly index: number;
  readonly code: number;
}

/** Returns the writes of a bulk that failed; none if the error is not about individual writes. */
function refusalsIn(error: unknown): Refused[] {
  if (!(error instanceof Error && error.name === 'MongoBulkWriteError' && 'writeErrors' in error)) return [];
  return [error.writeErrors].flat() as Refused[];
}
