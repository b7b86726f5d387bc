import { checkNames, optionError } from '../../shared/optionChecks.js';
import type { ServerContext } from './hooks.js';

/**
 * The options of `useLatchkey`. All are optional.
 *
 * @example
 * ```ts
 * import type { UseLatchkeyOptions } from 'latchkey/yoga';
 *
 * export const options: UseLatchkeyOptions = { csrfPrevention: { requestHeaders: ['x-my-client'] } };
 * ```
 */
export interface UseLatchkeyOptions {
  /**
   * Whether to refuse requests that a page of another origin can send without a preflight request. `requestHeaders` lists additional
   * header fields that prove a preflight request.
   *
   * @default true
   */
  readonly csrfPrevention?: boolean | { readonly requestHeaders?: readonly string[] };
  /**
   * Returns the address of the client; null if unknown. Needed on servers that don't pass Node's request as `req`, and behind
   * proxies. Default: the `ip` of the request, or the address of its connection.
   */
  readonly address?: (serverContext: ServerContext) => string | null;
  /**
   * The largest body of a request in bytes. A body with Content-Length isn't counted while it is read, so set Yoga's option
   * `maxRequestBodySize` to false: it counts each body, which takes more time than everything else.
   *
   * @default 25_000_000
   */
  readonly maxBodyBytes?: number;
}

/** @throws TypeError */
export function checkYogaOptions(options: unknown): void {
  checkNames('useLatchkey', options, ['csrfPrevention', 'address', 'maxBodyBytes']);
  const { csrfPrevention, address, maxBodyBytes = 1 } = options as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(maxBodyBytes) || (maxBodyBytes as number) < 1)
    throw optionError('useLatchkey: maxBodyBytes', maxBodyBytes, 'an integer of at least 1');
  if (address !== undefined && typeof address !== 'function')
    throw optionError('useLatchkey: address', address, 'a function');
  if (csrfPrevention === undefined || typeof csrfPrevention === 'boolean') return;
  checkNames('useLatchkey: csrfPrevention', csrfPrevention, ['requestHeaders']);
  const { requestHeaders = [] } = csrfPrevention as { requestHeaders?: unknown };
  if (Array.isArray(requestHeaders) && requestHeaders.every((name) => typeof name === 'string' && name !== '')) return;
  throw optionError('useLatchkey: csrfPrevention.requestHeaders', requestHeaders, 'a list of names of header fields');
}
