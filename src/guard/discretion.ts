/** Names that say nothing of a schema in particular. */
const COMMON = ['Query', 'Mutation', 'Subscription', 'String', 'Int', 'Float', 'Boolean', 'ID'];

/** Names as GraphQL's messages write them: behind a quote, a bracket or another name's dot, never behind a space. */
const NAMES = /(?<=["[(.@])[_A-Za-z][_0-9A-Za-z]*/g;

const SUGGESTION = / ?Did you mean.*$/s;

/**
 * GraphQL's messages for whoever may not read the schema (B42): without suggestions, and without names that they did not
 * write themselves. Types, arguments and enum values stand in many messages, not in the suggestions alone.
 *
 * @param written what the caller sent, in parts
 */
export function discreetly(written: readonly string[]): (message: string) => string {
  const known = new Set([...COMMON, ...written.flatMap((part) => part.match(/[_0-9A-Za-z]+/g) ?? [])]);
  return (message) => message.replace(SUGGESTION, '').replace(NAMES, (name) => (known.has(name) ? name : '…'));
}

/** Longer messages only repeat what the caller sent: each error about a variable repeats the whole of it. */
const MAX_LENGTH = 1_000;

export function brief(message: string): string {
  return message.length > MAX_LENGTH ? `${message.slice(0, MAX_LENGTH)}…` : message;
}
