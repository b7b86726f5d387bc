import { CannotOpen, NotWritten, type StoreUnavailable } from './errors.js';
import { openSqlite } from './sqlite/open.js';
import type { Store } from './store.js';

/** Where keys are kept: in MongoDB, or, where no address is given, in SQLite in a directory. */
export interface StoreAddress {
  readonly mongodbUri: string | null;
  readonly dataDir: string;
}

/**
 * The store that the settings name. Mongoose is loaded only where it is used: it would cost the embedded start a good
 * part of its time.
 *
 * @param tell called with what takes long, as a sentence
 * @throws CannotOpen that names the setting, what is wrong and what to do
 */
export async function openStore(
  { mongodbUri, dataDir }: StoreAddress,
  tell?: (message: string) => void,
): Promise<Store> {
  return mongodbUri === null ? openDirectory(dataDir, tell) : openMongo(mongodbUri);
}

/** Returns what is wrong with an open store, and what to do about it. Nothing secret of the address is in it. */
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
