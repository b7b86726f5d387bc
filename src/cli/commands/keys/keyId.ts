import { EXIT, Failure } from '../../exit.js';
import type { KeyName } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import type { Talk } from '../../talk.js';
import { found } from './key.js';

const FIND = operation<{ readonly findApiKeys: readonly { readonly id: string }[] | null }, { readonly text: string }>(
  'query FindKey($text: String!) { findApiKeys(text: $text) { id } }',
);

/** Describes the argument that names a key, in the help. */
export const KEY_ARGUMENT = 'ID or lookup ID of the key';

/** Returns the ID of a key. A lookup ID takes one request. @throws Failure if no key has it */
export async function keyIdOf(ask: Talk['ask'], name: KeyName): Promise<string> {
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
