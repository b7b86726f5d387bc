import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/core/store/open.js';
import type { Store } from '../../src/core/store/store.js';
import { openTarget } from '../core/store/target.js';

/**
 * Opens a SQLite store on one connection in this thread, for tests of code above the store. The threads of a store take 60 ms of CPU
 * time to start. Tests of the store and of the service use them.
 */
export function openStoreHere(dir: string): Promise<Store> {
  return openHere({ dir });
}

/** Works like the `openStore` of a service, with SQLite in this thread. */
export const openServiceStoreHere: typeof openStore = async <Parts extends object>(
  ...[address, options]: Parameters<typeof openStore<Parts>>
): Promise<Store & Parts> => {
  if (address.mongodbUri !== null) return openServiceStore<Parts>(address, options);
  const demo = options?.extension === undefined ? {} : ({ withDemo: true } as const);
  return (await openHere({ dir: address.dataDir, ...demo })) as Store & Parts;
};

const EMPTY = Symbol.for('latchkey.emptyStores');

interface Here {
  readonly dir: string;
  readonly withDemo?: true;
}

/** The files of empty stores, for all test files of the worker. To create their tables takes longer than to copy them. */
const worker = globalThis as { [EMPTY]?: Map<boolean, Promise<Buffer>> };
const empty = (worker[EMPTY] ??= new Map());

async function openHere(here: Here): Promise<Store> {
  const file = join(here.dir, 'latchkey.db');
  if (!existsSync(file)) {
    const isDemo = here.withDemo === true;
    const made = empty.get(isDemo) ?? makeEmpty(here);
    empty.set(isDemo, made);
    const bytes = await made;
    mkdirSync(here.dir, { recursive: true });
    writeFileSync(file, bytes);
  }
  return openTarget({ engine: 'sqlite', inThisThread: true, ...here });
}

async function makeEmpty(here: Here): Promise<Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-empty-'));
  const store = await openTarget({ engine: 'sqlite', inThisThread: true, ...here, dir });
  await store.close();
  const bytes = readFileSync(join(dir, 'latchkey.db'));
  rmSync(dir, { recursive: true });
  return bytes;
}

/** Works like the `openStore` of a service, with a timeout that MongoDB meets on a busy machine, too. */
export const openServiceStore: typeof openStore = async <Parts extends object>(
  ...[address, options]: Parameters<typeof openStore<Parts>>
): Promise<Store & Parts> => {
  if (address.mongodbUri === null) return openStore<Parts>(address, options);
  const demo = options?.extension === undefined ? {} : ({ withDemo: true } as const);
  return (await openTarget({ engine: 'mongo', uri: address.mongodbUri, ...demo })) as Store & Parts;
};
