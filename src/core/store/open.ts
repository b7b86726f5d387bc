import { existsSync } from 'node:fs';
import { CannotOpen, NotWritten, type StoreUnavailable } from './storeErrors.js';
import { openSqlite } from './sqlite/open.js';
import type { Store } from './store.js';

/** Where keys are stored: in MongoDB, or without a URI in SQLite in a directory. */
export interface StoreAddress {
  readonly mongodbUri: string | null;
  readonly dataDir: string;
}

/** The store of an address, before it is opened. Code elsewhere asks this, and not which engine runs. */
interface StoreDescription {
  /** For people, such as `SQLite in ./data`. */
  readonly name: string;
  /** The directory that opening the store would create; null: it exists, or the store has none. */
  readonly missingDirectory: string | null;
  /** The directory for a pepper, next to the store; null: machines may share the store, so peppers must be set. */
  readonly pepperDirectory: string | null;
}

export function describeStore({ mongodbUri, dataDir }: StoreAddress): StoreDescription {
  // The URI can contain a password.
  if (mongodbUri !== null) return { name: 'MongoDB', missingDirectory: null, pepperDirectory: null };
  const missingDirectory = existsSync(dataDir) ? null : dataDir;
  return { name: `SQLite in ${dataDir}`, missingDirectory, pepperDirectory: dataDir };
}

/**
 * Opens the store that the settings select. Loads Mongoose only if it is used, because this would take a good part of
 * the start time with SQLite.
 *
 * @param tell called with a sentence about each slow step
 * @throws CannotOpen that names the setting, the fault and a remedy
 */
export async function openStore(
  { mongodbUri, dataDir }: StoreAddress,
  tell?: (message: string) => void,
): Promise<Store> {
  return mongodbUri === null ? openDirectory(dataDir, tell) : openMongo(mongodbUri);
}

/** Returns what is wrong with an open store, and what to do about it, without the secrets of its address. */
export async function outageOf({ mongodbUri, dataDir }: StoreAddress, error: StoreUnavailable): Promise<string> {
  if (mongodbUri === null) {
    const { reason, remedy, cause } = error;
    const detail = error instanceof NotWritten || !(cause instanceof Error) ? '' : ` (${cause.message})`;
    const dir = JSON.stringify(dataDir.slice(0, 200));
    return `DATA_DIR is ${dir}: ${reason}${detail}. ${remedy || 'Check the disk, its file system, and which programs use the database.'}`;
  }
  const { cannotOpen } = await import('./mongo/cannotOpen.js');
  const found = cannotOpen(mongodbUri, error);
  return found instanceof Error ? found.message : error.message;
}

async function openDirectory(dir: string, tell?: (message: string) => void): Promise<Store> {
  try {
    return await openSqlite({ dir }, tell);
  } catch (cause) {
    if (!(cause instanceof CannotOpen)) throw cause;
    const { fault, remedy } = cause;
    const message = `DATA_DIR is ${JSON.stringify(dir.slice(0, 200))}, which ${fault}. ${remedy}`;
    throw new CannotOpen(message.trim(), fault, remedy, { cause });
  }
}

async function openMongo(uri: string): Promise<Store> {
  const [{ openMongoStore }, { cannotOpen }] = await Promise.all([
    import('./mongo/open.js'),
    import('./mongo/cannotOpen.js'),
  ]);
  try {
    return await openMongoStore({ uri });
  } catch (cause) {
    throw cannotOpen(uri, cause);
  }
}
