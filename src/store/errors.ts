/** The engine cannot be reached or did not answer in time. `cause` keeps the driver's error for the log, never for a caller. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** What is wrong, in words that anybody may read: /readyz says it. */
  readonly reason: string;
  /** What to do, as a sentence; empty: nothing is known. */
  readonly remedy: string;
  /** Whether the log has this failure already, so that the requests that met it needn't log it again. */
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

/** A change that the engine refused to write, as on a full disk. Nothing of it was made. */
export class NotWritten extends StoreUnavailable {
  constructor(cause: unknown, reason: string, remedy = '') {
    super(cause, reason, 'The store could not write a change.', remedy);
  }
}

/** As {@link StoreUnavailable}, after the question was sent: what was to be written may have been, or may be yet. */
export class Unacknowledged extends StoreUnavailable {}

/** Returns the error, or undefined if it is one of the store that the log has already. */
export function unreported(error: unknown): unknown {
  return error instanceof StoreUnavailable && error.isReported ? undefined : error;
}

/** A store that cannot be opened. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
  /** What is wrong, in words that follow the name of the setting and `which`. */
  readonly fault: string;
  /** What to do about it, as a sentence. */
  readonly remedy: string;

  constructor(message: string, fault: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.remedy = remedy;
  }
}

/** A value that must be unique is taken: MongoDB's E11000 and SQLite's SQLITE_CONSTRAINT_UNIQUE or _PRIMARYKEY alike. */
export class Duplicate extends Error {
  override readonly name = 'Duplicate';
  /** Which unique value: `key.id`, `key.lookupId`, `workspace.id`. */
  readonly what: string;
  constructor(what: string, cause: unknown) {
    super(`${what} is taken.`, { cause });
    this.what = what;
  }
}
