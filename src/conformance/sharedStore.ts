import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type Store } from '../index.js';

export type OpenStore = Store & { close(): Promise<void> };

/** How long a store stays open after a case, in ms, for the next one. */
const IDLE = 500;

/** Opens a store in a temporary directory. Its `close` also removes the directory. */
export async function openTemporaryStore(): Promise<OpenStore> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-conformance-'));
  const removeAtExit = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', removeAtExit);
  const store = await openSqliteStore({ dir });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await store.close();
    process.off('exit', removeAtExit);
    await rm(dir, { recursive: true, force: true });
  };
  return Object.assign(Object.create(store) as Store, { close: () => (closing ??= close()) });
}

/** One store for many cases, because opening one takes longer than most cases. Each case creates its own keys. */
export class SharedStore {
  #store: Promise<OpenStore> | null = null;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Returns the store, and keeps it open until {@link release} was called as often. */
  async acquire(): Promise<OpenStore> {
    clearTimeout(this.#timer);
    this.#users += 1;
    try {
      return await (this.#store ??= openTemporaryStore());
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#timer = setTimeout(() => this.#close(), IDLE);
  }

  /** A runner that calls no function after the last case needs no other end. */
  #close(): void {
    const store = this.#store;
    this.#store = null;
    void store?.then((open) => open.close());
  }
}
