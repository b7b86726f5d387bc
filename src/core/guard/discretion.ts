/** Names that reveal nothing about a schema. */
const COMMON = ['Query', 'Mutation', 'Subscription', 'String', 'Int', 'Float', 'Boolean', 'ID'];

/**
 * Names as they appear in GraphQL's messages: after a quote, a bracket or the dot of another name, never after a space.
 */
const NAMES = /(?<=["[(.@])[_A-Za-z][_0-9A-Za-z]*/g;

const SUGGESTION = / ?Did you mean.*$/s;

/**
 * Returns a function that removes the names of a schema from GraphQL's messages, for callers who may not read it (B42).
 * It removes suggestions, and every name that the caller did not send: messages also name types, arguments and enum
 * values.
 *
 * @param written parts of the caller's document
 */
export function discreetly(written: readonly string[]): (message: string) => string {
  const known = new Set([...COMMON, ...written.flatMap((part) => part.match(/[_0-9A-Za-z]+/g) ?? [])]);
  return (message) => message.replace(SUGGESTION, '').replace(NAMES, (name) => (known.has(name) ? name : '…'));
}

/** Longer messages only repeat the request: each error about a variable contains all of it. */
const MAX_LENGTH = 1_000;

export function brief(message: string): string {
  return message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}…` : message;
}
