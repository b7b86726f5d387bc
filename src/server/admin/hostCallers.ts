import type { IncomingMessage } from 'node:http';
import { connectionAddress, readAddress } from '../../core/net/address.js';
import type { Caller, Callers } from '../net/trustedProxies.js';

/** Returns the address of a caller; undefined to use the peer address of the connection. */
type AddressOf = (request: IncomingMessage) => string | undefined;

/**
 * The addresses of callers as the host's server knows them. Only the host knows which proxies are in front of it, so
 * nothing here reads the fields in which a proxy names the caller.
 */
export class HostCallers implements Callers {
  readonly #addressOf: AddressOf;

  constructor(addressOf: AddressOf) {
    this.#addressOf = addressOf;
  }

  callerOf(request: IncomingMessage, encrypted: boolean): Caller {
    const given = this.#addressOf(request);
    const address = given === undefined ? connectionAddress(request.socket.remoteAddress) : readAddress(given);
    return { address, https: encrypted, unbelieved: false };
  }
}

/** Express sets `ip` by its setting `trust proxy`. */
export const addressByExpress: AddressOf = (request) => {
  const { ip } = request as { readonly ip?: unknown };
  return typeof ip === 'string' ? ip : undefined;
};
