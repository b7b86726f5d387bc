import { existsSync } from 'node:fs';
import { CannotOpen, NotWritten, type StoreUnavailable } from './storeErrors.js';
import type { StoreExtension } from './extension.js';
import { openSqlite, type OpenSqliteOptions } from './sqlite/open.js';
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
  /** The directory that opening the store would create; null if it exists, or the store has none. */
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

interface OpenStoreOptions<Parts extends object> {
  /** Called with a sentence about each slow step. */
  readonly tell?: (message: string) => void;
  /** Additional parts of the store. Default: none. */
  readonly extension?: StoreExtension<Parts> | undefined;
}

/**
 * Opens the store that the settings select. Loads Mongoose only if it is used, because loading it takes a large part of the start time with
 * SQLite.
 *
 * @throws CannotOpen that names the setting, the fault and a remedy
 */
export async function openStore<Parts extends object = object>(
  { mongodbUri, dataDir }: StoreAddress,
  { tell, extension }: OpenStoreOptions<Parts> = {},
): Promise<Store & Parts> {
  if (mongodbUri !== null) return openDatabase(mongodbUri, extension);
  return openDirectory(dataDir, { tell, extension: extension?.sqlite });
}

/** Returns the problem of an open store and its remedy, without the secrets of its address. */
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

async function openDirectory<Parts extends object>(
  dir: string,
  options: OpenSqliteOptions<Parts>,
): Promise<Store & Parts> {
  try {
    return await openSqlite({ dir }, options);
  } catch (cause) {
    if (!(cause instanceof CannotOpen)) throw cause;
    const { fault, remedy } = cause;
    const message = `DATA_DIR is ${JSON.stringify(dir.slice(0, 200))}, which ${fault}. ${remedy}`;
    throw new CannotOpen(message.trim(), fault, remedy, { cause });
  }
}

async function openDatabase<Parts extends object>(
  uri: string,
  extension?: StoreExtension<Parts>,
): Promise<Store & Parts> {
  const [{ openMongo }, { cannotOpen }, parts] = await Promise.all([
    import('./mongo/open.js'),
    import('./mongo/cannotOpen.js'),
    extension?.mongo(),
  ]);
  try {
    return await openMongo({ uri }, parts);
  } catch (cause) {
    throw cannotOpen(uri, cause);
  }
}
