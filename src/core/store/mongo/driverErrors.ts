import mongoose from 'mongoose';
import { Duplicate, NotWritten, StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import { refusedWrite } from './refusedWrites.js';

/** The names of unique values, by the fields of their index (joined by a comma). */
export type UniqueNames = Readonly<Record<string, string>>;

/** The server's code for a unique value that already exists. */
export const E11000 = 11000;

/** Errors that occur before anything is sent. */
const NEVER_SENT = ['MongooseError', 'MongoServerSelectionError', 'MongoNotConnectedError', 'MongoTopologyClosedError'];

/**
 * Returns the error that callers see instead of the driver's or Mongoose's error. Compares names, because a connection
 * passed by the caller may come from another copy of the driver, with other classes.
 *
 * @param isChange whether the round trip writes
 */
export function translated(error: unknown, unique: UniqueNames, isChange: boolean): unknown {
  if (!(error instanceof Error)) return error;
  if ('code' in error && error.code === E11000) {
    const fields = 'keyPattern' in error ? Object.keys(error.keyPattern ?? {}).join(',') : '';
    return new Duplicate(unique[fields] ?? fields, error);
  }
  // A value that the schema rejects is a bug of the calling code, not a fault of the engine, and must not look like an
  // outage.
  if (['CastError', 'ValidationError', 'StrictModeError', 'ObjectParameterError'].includes(error.name)) {
    return new Error(`The record breaks a rule of the schema: ${error.message}`, { cause: error });
  }
  const refused = isChange ? refusedWrite(error) : null;
  if (refused !== null) {
    const { reason, remedy, isCertain } = refused;
    return isCertain
      ? new NotWritten(error, reason, remedy)
      : new Unacknowledged(error, reason, 'The store did not confirm a change.', remedy);
  }
  // The names of the driver's errors start with Mongo. Mongoose's own errors (not connected, force closed) are named
  // MongooseError.
  if (error.name.startsWith('Mongo') || error instanceof mongoose.mongo.MongoError) {
    return NEVER_SENT.includes(error.name) ? new StoreUnavailable(error) : new Unacknowledged(error);
  }
  return error;
}
