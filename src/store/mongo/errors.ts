import mongoose from 'mongoose';
import { Duplicate, StoreUnavailable, Unacknowledged } from '../errors.js';

/** The names of unique values, by the fields of the index that guards them (joined by a comma). */
export type UniqueNames = Readonly<Record<string, string>>;

/** The server's code of a unique value that is taken. */
export const E11000 = 11000;

/** The errors that come before anything is sent. */
const NEVER_SENT = ['MongooseError', 'MongoServerSelectionError', 'MongoNotConnectedError', 'MongoTopologyClosedError'];

/**
 * The error that callers see in place of the driver's or Mongoose's. Judged by name, because a connection that was handed
 * in may come from another copy of the driver, whose classes are not these.
 */
export function translated(error: unknown, unique: UniqueNames): unknown {
  if (!(error instanceof Error)) return error;
  if ('code' in error && error.code === E11000) {
    const fields = 'keyPattern' in error ? Object.keys(error.keyPattern ?? {}).join(',') : '';
    return new Duplicate(unique[fields] ?? fields, error);
  }
  // A value that the schema refuses is a fault of the calling code, not of the engine, and must not look like an outage.
  if (['CastError', 'ValidationError', 'StrictModeError', 'ObjectParameterError'].includes(error.name)) {
    return new Error(`The record breaks a rule of the schema: ${error.message}`, { cause: error });
  }
  // The driver's errors are named Mongo…, Mongoose's own (not connected, force closed) MongooseError.
  if (error.name.startsWith('Mongo') || error instanceof mongoose.mongo.MongoError) {
    return NEVER_SENT.includes(error.name) ? new StoreUnavailable(error) : new Unacknowledged(error);
  }
  return error;
}
