import { optionError } from '../../shared/optionChecks.js';
import type { CredentialSource } from './locate.js';

/** Header fields of Node or of the Fetch API (`Headers`), a Map, a list of pairs, or an object with names in any case. */
type HeaderFields = Readonly<Record<string, string | string[] | undefined>> | Iterable<readonly [string, string]>;

/** A request of any server framework. */
export type ForeignSource = Omit<CredentialSource, 'headers'> & {
  readonly headers: HeaderFields;
  /** Node's request, in one of Fastify. */
  readonly raw?: { readonly rawHeaders?: readonly string[] };
};

/**
 * Returns a request with its header fields in the form of Node, by name in lower case. Its address is read once, because Express computes
 * it again each time.
 *
 * Header fields in an unknown form are refused. If they were treated as empty, the holder of a revoked key would be accepted
 * as an anonymous caller.
 *
 * @throws TypeError if the header fields are missing or can't be read
 */
export function readableSource(source: ForeignSource): CredentialSource {
  const request = (source as Partial<ForeignSource> | null) ?? {};
  const { headers, rawHeaders } = request;
  const address = request.ip ?? request.socket?.remoteAddress;
  // A request of Node, which is by far the most frequent case. Express replaces its prototype, so it is slow to look for a property that
  // the request doesn't have.
  if (Array.isArray(rawHeaders) && rawHeaders.length > 0) {
    return { headers: headers as CredentialSource['headers'], rawHeaders, ip: address };
  }
  const { raw } = request;
  // One of Fastify. If a field occurs twice, its own header fields lack the second value.
  if (Array.isArray(raw?.rawHeaders) && raw.rawHeaders.length > 0 && isPlain(headers)) {
    return { headers: headers as CredentialSource['headers'], rawHeaders: raw.rawHeaders, ip: address };
  }
  return {
    headers: fieldsOf(headers),
    ...(Array.isArray(raw?.rawHeaders) && { rawHeaders: raw.rawHeaders }),
    ip: address,
  };
}

function fieldsOf(headers: unknown): Record<string, string | string[]> {
  if (typeof headers !== 'object' || headers === null) throw unreadable(headers);
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const entry of entriesOf(headers)) {
    const [name, value] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof name !== 'string') throw unreadable(headers);
    if (value === undefined) continue;
    const values: unknown[] = Array.isArray(value) ? value : [value];
    if (!values.every((each) => typeof each === 'string')) throw unreadable(headers);
    (fields[name.toLowerCase()] ??= []).push(...values);
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

function entriesOf(headers: object): Iterable<unknown> {
  if (Symbol.iterator in headers) return headers as Iterable<unknown>;
  if (isPlain(headers)) return Object.entries(headers);
  throw unreadable(headers);
}

function isPlain(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null || Symbol.iterator in headers) return false;
  const prototype: unknown = Object.getPrototypeOf(headers);
  // A plain object of another realm has a different Object.prototype, but the prototype of that is null as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function unreadable(headers: unknown): TypeError {
  return optionError(
    'context: headers',
    headers,
    'the header fields of the request: an object by name, a Headers, a Map, or a list of [name, value]',
    true,
  );
}
