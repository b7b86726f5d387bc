/** The reason why a server refuses to write, and what the operator can do about it. */
interface RefusedWrite {
  /** A description without secrets, which /readyz returns. */
  readonly reason: string;
  readonly remedy: string;
  /** Whether it is certain that nothing was written. */
  readonly isCertain: boolean;
}

const NO_PRIMARY = {
  reason: 'the store has no primary that accepts changes',
  remedy: 'Check the replica set, and that MONGODB_URI names its members.',
} as const;

/** MongoDB's codes for writes that it refuses. It still answers reads. */
const BY_CODE: ReadonlyMap<unknown, Pick<RefusedWrite, 'reason' | 'remedy'>> = new Map([
  // Unauthorized. A login that is missing or wrong is found at the start.
  [
    13,
    {
      reason: 'the store does not allow this server to write',
      remedy: 'Give the user of MONGODB_URI the role readWrite on the database.',
    },
  ],
  // UserWritesBlocked
  [
    371,
    { reason: 'the store is set to read-only', remedy: 'Allow writes on the MongoDB cluster (setUserWriteBlockMode).' },
  ],
  // OutOfDiskSpace
  [14_031, { reason: 'the disk of the store is full', remedy: 'Free disk space on the MongoDB server.' }],
]);

/** LegacyNotPrimary, NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary. */
const NOT_PRIMARY: ReadonlySet<unknown> = new Set([10_058, 10_107, 13_435, 13_436]);

/** Atlas uses one code for all of its own errors, refused logins among them. */
const ATLAS_ERROR = 8_000;
const QUOTA = {
  reason: 'the storage quota of the store is used up',
  remedy: 'Delete data that you no longer need, or raise the storage limit of the cluster.',
} as const;

/** Returns why the server refused to write; null if the error is another one. */
export function refusedWrite(error: unknown): RefusedWrite | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  const { code, name, message } = error;
  // Of several writes, some may have been made before this one.
  const isCertain = name !== 'MongoBulkWriteError';
  const found = BY_CODE.get(code) ?? (code === ATLAS_ERROR && message.includes('space quota') ? QUOTA : null);
  if (found !== null) return { ...found, isCertain };
  // The driver repeats a write on the new primary. Unless the server says so, the first attempt may have been successful.
  if (NOT_PRIMARY.has(code)) return { ...NO_PRIMARY, isCertain: isCertain && wroteNothing(error) };
  return null;
}

function wroteNothing(error: object): boolean {
  return 'errorLabels' in error && Array.isArray(error.errorLabels) && error.errorLabels.includes('NoWritesPerformed');
}
