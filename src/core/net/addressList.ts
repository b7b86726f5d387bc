import { BlockList, isIP, isIPv4 } from 'node:net';
import { readAddress } from './address.js';

/** The longest text of a range: an IPv6 address with a dotted end, and its bits. */
const MAX_LENGTH = 49;

/** The IPv4 addresses whose bits under the mask are those of `first`. Both have 32 bits. */
interface Ipv4Range {
  readonly first: number;
  readonly mask: number;
}

/** A list of IPv4 and IPv6 addresses and CIDR ranges (RFC 4632, RFC 4291), prepared for look-ups. */
export class AddressList {
  readonly #list = new BlockList();
  /**
   * The IPv4 addresses of the list. `BlockList` creates a native object for each look-up, and each request that comes through a
   * trusted proxy may have another address.
   */
  readonly #ipv4: Ipv4Range[] = [];
  /** The last address that is in the list, and the last that is not: addresses repeat, and a look-up of IPv6 takes 5 µs. */
  #lastInside: string | null = null;
  #lastOutside: string | null = null;

  /** @throws TypeError for a text that {@link isAddressOrRange} rejects */
  constructor(items: readonly string[]) {
    for (const item of items) {
      if (!isAddressOrRange(item)) throw new TypeError(`"${item}" is neither an address nor a range.`);
      const [address = '', bits] = item.split('/');
      if (bits === undefined) this.#list.addAddress(address, familyOf(address));
      else this.#list.addSubnet(address, Number(bits), familyOf(address));
      if (isIPv4(address)) this.#ipv4.push(rangeOf(address, bits === undefined ? 32 : Number(bits)));
      else this.#addMapped(address, bits === undefined ? 128 : Number(bits));
    }
  }

  /** IPv4 callers have an IPv4 address here, even if a list has the address as IPv6 (RFC 4291 section 2.5.5.2). */
  #addMapped(address: string, bits: number): void {
    if (bits < MAPPED_BITS) {
      const range = new BlockList();
      range.addSubnet(address, bits, 'ipv6');
      if (range.check('0.0.0.0', 'ipv4')) this.#ipv4.push(rangeOf('0.0.0.0', 0));
      return;
    }
    const plain = readAddress(address);
    if (isIPv4(plain)) this.#ipv4.push(rangeOf(plain, bits - MAPPED_BITS));
  }

  /** Fails closed: an unknown or missing address is not in any list. */
  has(address: string | null): boolean {
    if (address === null || address === this.#lastOutside) return false;
    if (address === this.#lastInside) return true;
    const isInside = this.#contains(address);
    if (address.length > MAX_LENGTH) return isInside;
    if (isInside) this.#lastInside = address;
    else this.#lastOutside = address;
    return isInside;
  }

  #contains(address: string): boolean {
    // A zone names an interface of this machine and not a network (RFC 4007).
    const zoneless = address.split('%', 1)[0] ?? address;
    if (!isIPv4(zoneless)) return isIP(zoneless) === 6 && this.#list.check(zoneless, 'ipv6');
    const number = numberOf(zoneless);
    for (const { first, mask } of this.#ipv4) if ((number & mask) === first) return true;
    return false;
  }
}

/** The length of the prefix of all IPv6 addresses that contain an IPv4 address (RFC 4291 section 2.5.5.2). */
const MAPPED_BITS = 96;

function rangeOf(address: string, bits: number): Ipv4Range {
  // A shift by 32 bits would shift nothing.
  const mask = bits === 0 ? 0 : -1 << (32 - bits);
  return { first: numberOf(address) & mask, mask };
}

/** Returns the 32 bits of an IPv4 address. */
function numberOf(address: string): number {
  let number = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i += 1) {
    const code = address.charCodeAt(i);
    if (code === DOT) {
      number = (number << 8) | octet;
      octet = 0;
    } else octet = octet * 10 + code - ZERO;
  }
  return (number << 8) | octet;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Returns whether a text is an IPv4 or IPv6 address, or a CIDR range such as `192.0.2.0/24` or `2001:db8::/32`. */
export function isAddressOrRange(text: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  return bits === undefined || (/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
