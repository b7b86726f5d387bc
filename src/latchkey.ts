import { assemble } from './assembly/assembly.js';
import { rememberAssembly } from './assembly/assemblyOf.js';
import type { LatchkeyOptions } from './assembly/latchkeyOptions.js';
import type { Latchkey } from './assembly/libraryApi.js';

/** The members for users of the library. The others are for Latchkey's own service, and may change at any time. */
const PUBLISHED: Readonly<Record<keyof Latchkey, true>> = {
  typeDefs: true,
  resolvers: true,
  guard: true,
  context: true,
  requests: true,
  streams: true,
  authenticate: true,
  firstKey: true,
  prepare: true,
  onChange: true,
  protectedResource: true,
  resourceMetadata: true,
  keySet: true,
  close: true,
};

/**
 * Creates a Latchkey on a store.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 *
 * const store = await openSqliteStore({ dir: './data' });
 * export const latchkey = await createLatchkey({ store });
 * ```
 */
export async function createLatchkey(options: LatchkeyOptions): Promise<Latchkey> {
  const assembly = await assemble(options);
  const names = Object.keys(PUBLISHED) as (keyof Latchkey)[];
  const latchkey = Object.fromEntries(names.map((name) => [name, assembly[name]])) as unknown as Latchkey;
  rememberAssembly(latchkey, assembly);
  return latchkey;
}
