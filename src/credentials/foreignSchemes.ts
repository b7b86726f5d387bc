import { locate, schemeNamed, type ForeignScheme, type Located } from '../keys/foreign.js';
import { FOREIGN } from '../store/records.js';
import type { Store } from '../store/store.js';

/** Each is a read for a credential that is unknown. An import that would make one more is refused. */
export const MAX_SCHEMES = 4;

/** How long it may take until the first key of a scheme that was imported beside a running server is found, in ms. */
const REFRESH = 5_000;

const NONE: readonly Located[] = Object.freeze([]);

/** Sorts behind every lookup id of a scheme: `;` is the character after `:`. */
const AFTER = ';';

/** Names of the schemes under which keys were imported, at most one more than there may be: one read for each by index. */
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
 * Where an installation has to look for a credential that has another shape than our own tokens: nowhere, as long as nothing
 * was imported. What is imported is read anew at most once in {@link REFRESH}, and only when such a credential comes.
 */
export class ForeignSchemes {
  readonly #keys: Pick<Store['keys'], 'nextLookupId'>;
  readonly #now: () => number;
  #schemes: readonly ForeignScheme[] | null = null;
  #readAt = -Infinity;
  #reading: Promise<void> | null = null;

  /** @param now ms */
  constructor(keys: Pick<Store['keys'], 'nextLookupId'>, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /** Reads them at the start, so that what is none of ours is told so also while the store is away. */
  async open(): Promise<void> {
    await this.#read();
    // Whoever imports right after the start must not wait for the next look.
    this.#readAt = -Infinity;
  }

  /** Where the credential would be found, by what is known of schemes at the moment. */
  known(credential: string): readonly Located[] {
    if (this.#schemes === null || this.#schemes.length === 0) return NONE;
    return this.#schemes.flatMap((scheme) => locate(scheme, credential) ?? []);
  }

  /** {@link known}, after a look at the store where the last is too long ago. @throws where the first look of all fails */
  async locate(credential: string): Promise<readonly Located[]> {
    // A clock that was set back is no reason to look at every request.
    if (Math.abs(this.#now() - this.#readAt) >= REFRESH) await (this.#reading ??= this.#read());
    return this.known(credential);
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
