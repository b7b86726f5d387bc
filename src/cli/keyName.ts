import { LOOKUP_LENGTH } from '../shared/text/tokenShape.js';
import { usage, type Failure } from './exit.js';

/** The ways in which an argument can identify a key. */
export type KeyName = { readonly id: string } | { readonly lookupId: string };

/**
 * Another text, such as a name or the beginning of a token. Several keys can have it, now or later: a rotated key has the name of the
 * one that it replaces. So commands don't accept it, and show the IDs of the keys that have it.
 */
export interface KeyLabel {
  readonly label: string;
}

const KEY_ID = /^(?:key|conf)_\w{1,60}$/;

/** A lookup ID or its beginning, with the type and environment before it or without. A secret follows the lookup ID in a token. */
const BODY = /^(?<prefix>[a-z][a-z0-9]{0,9}_(?:live|test)_)?(?<body>[0-9A-Za-z]+)$/;

/** Says how to name a key. */
export const KEY_FORMS = `Give the ID of the key (key_…) or its lookup ID, the ${LOOKUP_LENGTH} characters after lks_live_ in the token.`;

/**
 * Reads the argument of a command that names a key. Every such command accepts the same forms.
 *
 * @throws Failure if it is empty, or contains a part of a secret. The error doesn't repeat it.
 */
export function keyNameIn(argument: string): KeyName | KeyLabel {
  const name = nameIn(argument);
  if (name !== null) return name;
  const { prefix, body = '' } = BODY.exec(argument)?.groups ?? {};
  if (prefix !== undefined && body.length > LOOKUP_LENGTH) throw withSecret();
  if (argument.trim() === '') throw usage(`The argument that names the key is empty. ${KEY_FORMS}`);
  return { label: argument.trim() };
}

/** Like {@link keyNameIn} for an option that other things can be named with, too. Returns null for their IDs. */
export function lookupIdIn(argument: string): string | null {
  const name = nameIn(argument);
  return name !== null && 'lookupId' in name ? name.lookupId : null;
}

/** Returns whether an argument names a key, or shows the beginning of its lookup ID as lists do. It contains no secret. */
export function namesKey(argument: string): boolean {
  const { prefix, body = '' } = BODY.exec(argument)?.groups ?? {};
  return nameIn(argument) !== null || (prefix !== undefined && body.length < LOOKUP_LENGTH);
}

function nameIn(argument: string): KeyName | null {
  if (KEY_ID.test(argument)) return { id: argument };
  const body = BODY.exec(argument)?.groups?.body;
  return body?.length === LOOKUP_LENGTH ? { lookupId: body } : null;
}

function withSecret(): Failure {
  return usage(
    `The argument contains a part of the key's secret, which other users can see. ${KEY_FORMS} ` +
      'If the key is still in use, rotate it.',
  );
}
