import { locate, schemeNamed, type ForeignScheme, type Located } from '../keys/foreign.js';
import { FOREIGN } from '../store/records.js';
import type { Store } from '../store/store.js';

/** The maximum number of schemes. Each costs a read for an unknown credential. An import that would exceed it is refused. */
export const MAX_SCHEMES = 4;

/** The maximum time until a running server finds the first key of a newly imported scheme, in milliseconds. */
const REFRESH = 5_000;

const NONE: readonly Located[] = Object.freeze([]);

/** Sorts after every lookup ID of a scheme, because `;` follows `:` in ASCII. */
const AFTER = ';';

/** Returns the names of the schemes of imported keys, at most one more than {@link MAX_SCHEMES}. Each takes one indexed read. */
export async function readSchemes(keys: Pick<Store['keys'], 'nextLookupId'>): Promise<readonly string[]> {
  const names: string[] = [];
  for (let from = FOREIGN; names.length <= MAX_SCHEMES;) {
    const lookupId = await keys.nextLookupId(from);
    if (lookupId?.startsWith(FOREIGN) !== true) break;
    const name = lookupId.slice(FOREIGN.length).split(':', 1)[0] ?? '';
    names.push(name);
    from = `${FOREIGN}${name}${AFTER}`;
  }
  return names;
}

/**
 * Returns the lookup IDs that a credential may have as an imported token. There are none if nothing was imported. The schemes
 * are read again at most once every {@link REFRESH}, and only for a credential that is not a Latchkey token.
 */
export class ForeignSchemes {
  readonly #keys: Pick<Store['keys'], 'nextLookupId'>;
  readonly #now: () => number;
  #schemes: readonly ForeignScheme[] | null = null;
  #readAt = -Infinity;
  #reading: Promise<void> | null = null;

  /** @param now returns milliseconds */
  constructor(keys: Pick<Store['keys'], 'nextLookupId'>, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /** Reads the schemes at startup, so that unknown credentials get 401 even while the store is unavailable. */
  async open(): Promise<void> {
    await this.#read();
    // Keys that are imported right after the start must not wait for the next refresh.
    this.#readAt = -Infinity;
  }

  /** Returns the possible lookup IDs of a credential under the schemes that were read last. */
  known(credential: string): readonly Located[] {
    if (this.#schemes === null || this.#schemes.length === 0) return NONE;
    return this.#schemes.flatMap((scheme) => locate(scheme, credential) ?? []);
  }

  /** Like {@link known}, but reads the schemes again if they are too old. Rejects if no read has succeeded yet */
  locate(credential: string): readonly Located[] | Promise<readonly Located[]> {
    // `abs`, because a clock that was set back must not cause a read for each request.
    if (Math.abs(this.#now() - this.#readAt) < REFRESH) return this.known(credential);
    return (this.#reading ??= this.#read()).then(() => this.known(credential));
  }

  async #read(): Promise<void> {
    try {
      const names = await readSchemes(this.#keys);
      this.#schemes = names.slice(0, MAX_SCHEMES).flatMap((name) => schemeNamed(name) ?? []);
    } catch (error) {
      if (this.#schemes === null) throw error;
    } finally {
      this.#readAt = this.#schemes === null ? -Infinity : this.#now();
      this.#reading = null;
    }
  }
}
