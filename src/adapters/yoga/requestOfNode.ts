import type { ForeignSource } from '../../core/auth/headerFields.js';
import type { ServerContext } from './hooks.js';

/** Returns the request of Node, which has all header fields and the address; null if the server passes none on. */
export function requestOfNode({ req }: ServerContext): ForeignSource | null {
  const known = req?.raw ?? req;
  return known?.rawHeaders === undefined ? null : known;
}
