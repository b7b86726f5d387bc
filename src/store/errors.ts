/** The engine cannot be reached or did not answer in time. `cause` keeps the driver's error for the log, never for a caller. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  constructor(cause: unknown) {
    super('The store did not answer.', { cause });
  }
}

/** As {@link StoreUnavailable}, after the question was sent: what was to be written may have been, or may be yet. */
export class Unacknowledged extends StoreUnavailable {}

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
