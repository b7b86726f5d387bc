import { keyEvent, type KeyEvent } from '../keys/keyEvent.js';
import type { KeyRecord } from '../store/records.js';
import { LRUCache } from 'lru-cache';
import { growing } from '../util/growing.js';

/** The maximum numbers of watched keys, and of remembered addresses per key. They take a few megabytes. */
const MAX_KEYS = 10_000;
const MAX_ADDRESSES = 16;

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

interface Seen {
  last: string | null;
  readonly addresses: Set<string>;
  /** The shortest remaining lifetime for which EXPIRING was reported, in milliseconds. */
  warned: number;
}

/**
 * Reports when a key is used from a new address or expires soon. It only keeps state in memory, because it runs in every
 * request. As a result, the first address after a start counts as known, and the expiry of an unused key is not reported.
 */
export class KeyWatch {
  readonly #tell: (event: KeyEvent) => void;
  readonly #keys = new LRUCache<string, Seen>(growing(MAX_KEYS));

  constructor(tell: (event: KeyEvent) => void) {
    this.#tell = tell;
  }

  /** Records a use. @param at in milliseconds since the epoch @param address null if unknown */
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
    // The expiry was moved later, so it will be reported again.
    if (left > DAY) seen.warned = Infinity;
    const near = left <= HOUR ? HOUR : DAY;
    if (left > DAY || near >= seen.warned) return;
    seen.warned = near;
    this.#tell(keyEvent('EXPIRING', key, at));
  }
}
