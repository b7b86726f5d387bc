import { EXIT, Failure, usage } from '../../exit.js';
import { KEY_FORMS, type KeyLabel, type KeyName } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import type { Talk } from '../../talk.js';
import { found, type ListedKey } from './key.js';

const FIND = operation<{ readonly findApiKeys: readonly { readonly id: string }[] | null }, { readonly text: string }>(
  'query FindKey($text: String!) { findApiKeys(text: $text) { id } }',
);

/** Describes the argument that names a key, in the help. */
export const KEY_ARGUMENT = 'ID or lookup ID of the key';

/** The number of keys that an error names. */
const MAX_SHOWN = 5;

/**
 * Returns the ID of a key. A lookup ID takes one request.
 *
 * @throws Failure if no key has it. For a name, it shows the IDs of the keys with this name
 */
export async function keyIdOf(ask: Talk['ask'], name: KeyName | KeyLabel): Promise<string> {
  if ('label' in name) throw await labelFault(ask, name.label);
  if ('id' in name) return name.id;
  // The label keeps a lookup ID that looks like a word from being searched as anything else.
  const { findApiKeys } = await ask(FIND, { text: `lookup ID: ${name.lookupId}` });
  const [key = null, ...others] = findApiKeys ?? [];
  if (others.length > 0) throw ambiguous(others.length + 1);
  return found(key, 'key').id;
}

function ambiguous(count: number): Failure {
  return new Failure(EXIT.failed, 'AMBIGUOUS', `${count} keys have this lookup ID. Give the ID of one: key_…`);
}

/** Returns the error for a name or a prefix, with the keys that the user may mean. */
async function labelFault(ask: Talk['ask'], label: string): Promise<Failure> {
  const { keysFoundBy } = await import('./find.js');
  const all = await keysFoundBy(ask, label);
  const exact = all.filter(({ name }) => isSame(name, label));
  const keys = exact.length > 0 ? exact : all;
  const [only, ...others] = keys;
  if (only === undefined)
    return usage(`No key has this ID, name or prefix. ${KEY_FORMS} To list the keys, use: latchkey keys list`);
  const reason = 'The argument is not an ID, and several keys can have the same name or prefix.';
  if (others.length === 0) return usage(`${reason} It matches one key: ${shown(only)}. Run the command with this ID.`);
  const more = keys.length > MAX_SHOWN ? `, and ${keys.length - MAX_SHOWN} more` : '';
  const listed = keys.toSorted(activeFirst).slice(0, MAX_SHOWN).map(shown).join(', ');
  return usage(`${reason} It matches ${keys.length} keys: ${listed}${more}. Run the command with the ID of one.`);
}

function isSame(name: string, label: string): boolean {
  return name.normalize('NFC').toLowerCase() === label.normalize('NFC').toLowerCase();
}

function activeFirst(a: ListedKey, b: ListedKey): number {
  return Number(b.status === 'ACTIVE') - Number(a.status === 'ACTIVE');
}

function shown({ id, name, prefix, status }: ListedKey): string {
  return `${id} ("${name}", ${prefix === '' ? '' : `${prefix}…, `}${status.toLowerCase()})`;
}
