import { normalise } from '../../text/characters.js';
import { fold } from '../../text/fold.js';
import type { Connection } from './connection.js';

/** ASCII is the same in every form. */
const NOT_ASCII = "GLOB '*[^ -~]*'";

/**
 * Brings names that an earlier release stored into the form in which they are compared. Of projects whose names differ only
 * in how letters are composed, one takes the composed name, which keeps a third from being created; the other keeps its own.
 */
export function normaliseNames(connection: Connection): void {
  const rename = connection.prepare('UPDATE OR IGNORE projects SET name = $name WHERE id = $id');
  const refold = connection.prepare('UPDATE keys SET nameFolded = $nameFolded WHERE id = $id');
  for (const { id, name } of named(connection, 'projects')) {
    if (normalise(name) !== name) rename.run({ id, name: normalise(name) });
  }
  for (const { id, name } of named(connection, 'keys')) refold.run({ id, nameFolded: fold(name) });
}

function named(connection: Connection, table: 'projects' | 'keys'): { readonly id: string; readonly name: string }[] {
  return connection
    .prepare<{ readonly id: string; readonly name: string }>(`SELECT id, name FROM ${table} WHERE name ${NOT_ASCII}`)
    .all({});
}
