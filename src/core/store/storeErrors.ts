/**
 * The engine cannot be reached or did not respond in time. `cause` contains the driver's error for the log, never for a
 * caller.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** The fault, without secrets. /readyz returns it. */
  readonly reason: string;
  /** The remedy, as a sentence; empty if unknown. */
  readonly remedy: string;
  /** Whether this failure was already logged, so that affected requests don't log it again. */
  isReported = false;

  constructor(
    cause: unknown,
    reason = 'the store does not answer',
    message = 'The store did not answer.',
    remedy = '',
  ) {
    super(message, { cause });
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** The engine refused to write a change, for example because the disk is full. Nothing was written. */
export class NotWritten extends StoreUnavailable {
  constructor(cause: unknown, reason: string, remedy = '') {
    super(cause, reason, 'The store could not write a change.', remedy);
  }
}

/** Like {@link StoreUnavailable}, but after the command was sent: the change may have been written, or may still be. */
export class Unacknowledged extends StoreUnavailable {}

/**
 * Runs the rest of a change after its first write. If the store refuses to write now, the change may still be made, because
 * another process may finish it.
 *
 * @throws Unacknowledged instead of {@link NotWritten}
 */
export async function afterFirstWrite<T>(rest: () => Promise<T>): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    if (!(error instanceof NotWritten)) throw error;
    throw new Unacknowledged(error.cause, error.reason, undefined, error.remedy);
  }
}

/** Returns the error, or undefined if it is a store error that was already logged. */
export function unreported(error: unknown): unknown {
  return error instanceof StoreUnavailable && error.isReported ? undefined : error;
}

/** A store that cannot be opened. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
  /** The fault, as text that follows the name of the setting and `which`. */
  readonly fault: string;
  /** What to do about it, as a sentence. */
  readonly remedy: string;

  constructor(message: string, fault: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.remedy = remedy;
  }
}

/** A unique value already exists: MongoDB's E11000, SQLite's SQLITE_CONSTRAINT_UNIQUE or _PRIMARYKEY. */
export class Duplicate extends Error {
  override readonly name = 'Duplicate';
  /** The unique value: `key.id`, `key.lookupId`, `workspace.id`. */
  readonly what: string;
  constructor(what: string, cause: unknown) {
    super(`${what} is taken.`, { cause });
    this.what = what;
  }
}
