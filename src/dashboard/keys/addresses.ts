const MAX_ADDRESSES = 100;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const LEADING_ZERO = /(?:^|\.)0\d/;

/** Returns the lines of a field, without empty ones. */
export function linesOf(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Returns an error message for a list of addresses; null if it is valid. The server validates it again. */
export function addressesFault(text: string): string | null {
  const lines = linesOf(text);
  if (lines.length > MAX_ADDRESSES) return `Enter at most ${MAX_ADDRESSES} addresses and ranges.`;
  const wrong = lines.find((line) => !isAddressOrRange(line));
  if (wrong === undefined) return null;
  return `“${wrong}” is not an IP address or CIDR range. Examples: 192.0.2.7, 192.0.2.0/24, 2001:db8::1, 2001:db8::/32.`;
}

/** Checks for an IPv4 or IPv6 address or CIDR range. */
export function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  if (most < 0) return false;
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most);
}

function isIPv4(text: string): boolean {
  return IPV4.test(text) && !LEADING_ZERO.test(text);
}

/** Uses the browser's parser of IPv6 addresses in URLs. */
function isIPv6(text: string): boolean {
  return /^[0-9a-f:.]{2,45}$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`);
}
