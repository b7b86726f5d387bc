import { keyEvent, type KeyEvent } from '../keys/events.js';
import type { KeyRecord } from '../store/records.js';
import { RecentMap } from './recentMap.js';

/** Keys that are watched at once, and addresses remembered of each: some megabytes at most. */
const MAX_KEYS = 10_000;
const MAX_ADDRESSES = 16;

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

interface Seen {
  last: string | null;
  readonly addresses: Set<string>;
  /** The shortest time to its end that was told. */
  warned: number;
}

/**
 * Sees what the uses of a key show by themselves: an address that it did not come from before, and an end that is near. In
 * memory alone, since it stands on the path of every request: the first address after a start is taken as known, and the
 * end of a key that nobody uses is told to nobody.
 */
export class KeyWatch {
  readonly #tell: (event: KeyEvent) => void;
  readonly #keys = new RecentMap<Seen>(MAX_KEYS);

  constructor(tell: (event: KeyEvent) => void) {
    this.#tell = tell;
  }

  /** @param at ms since the epoch @param address null: unknown */
  used(key: KeyRecord, at: number, address: string | null): void {
    let seen = this.#keys.get(key.id);
    if (seen === undefined) {
      seen = { last: address, addresses: new Set(address === null ? [] : [address]), warned: Infinity };
      this.#keys.set(key.id, seen);
    } else if (address !== null && address !== seen.last) this.#cameFrom(key, at, address, seen);
    if (key.expiresAt !== null) this.#nears(key, key.expiresAt - at, at, seen);
  }

  #cameFrom(key: KeyRecord, at: number, address: string, seen: Seen): void {
    const { addresses } = seen;
    seen.last = address;
    if (addresses.has(address)) return;
    if (addresses.size > 0) this.#tell(keyEvent('NEW_ADDRESS', key, at, { address }));
    addresses.add(address);
    const [oldest] = addresses;
    if (addresses.size > MAX_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
  }

  #nears(key: KeyRecord, left: number, at: number, seen: Seen): void {
    // Its end was put off, and will be near anew.
    if (left > DAY) seen.warned = Infinity;
    const near = left <= HOUR ? HOUR : DAY;
    if (left > DAY || near >= seen.warned) return;
    seen.warned = near;
    this.#tell(keyEvent('EXPIRING', key, at));
  }
}
