import { normalise } from '../../../shared/text/characters.js';
import { fold } from '../../../shared/text/fold.js';
import type { Connection } from './connection.js';

/** ASCII is the same in every normalization form. */
const NOT_ASCII = "GLOB '*[^ -~]*'";

/**
 * Normalizes names that an earlier release stored. If the names of two projects differ only in their normalization, one of them gets the
 * normalized name, which prevents a third project with that name, and the other one keeps its name.
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
