import { BlockList, isIP } from 'node:net';
import { readAddress } from './address.js';

/** The longest text of a range: an IPv6 address with a dotted end, and its bits. */
const MAX_LENGTH = 49;

/** A list of IPv4 and IPv6 addresses and CIDR ranges (RFC 4632, RFC 4291), prepared for look-ups. */
export class AddressList {
  readonly #list = new BlockList();
  /** The last address that is in the list, and the last that is not: a look-up takes 5 µs, and they repeat. */
  #lastInside: string | null = null;
  #lastOutside: string | null = null;

  /** @throws TypeError for a text that {@link isAddressOrRange} rejects */
  constructor(items: readonly string[]) {
    for (const item of items) {
      if (!isAddressOrRange(item)) throw new TypeError(`"${item}" is neither an address nor a range.`);
      const [address = '', bits] = item.split('/');
      const family = familyOf(address);
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
      this.#addMapped(address, bits === undefined ? 128 : Number(bits));
    }
  }

  /** An IPv4 caller has an IPv4 address here, even if a list has it as IPv6 (RFC 4291 section 2.5.5.2). */
  #addMapped(address: string, bits: number): void {
    const plain = readAddress(address);
    if (isIP(address) === 6 && isIP(plain) === 4 && bits >= 96) this.#list.addSubnet(plain, bits - 96, 'ipv4');
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
    return isIP(zoneless) !== 0 && this.#list.check(zoneless, familyOf(zoneless));
  }
}

/** Returns whether a text is an IPv4 or IPv6 address, or a CIDR range such as `192.0.2.0/24` or `2001:db8::/32`. */
export function isAddressOrRange(text: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return false;
  return bits === undefined || (/^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
