declare const types: unique symbol;

/**
 * A document with the types of its variables and result. As text, because parsing it would load a GraphQL library
 * needlessly.
 */
export interface Operation<Data, Variables extends object> {
  readonly text: string;
  readonly [types]?: (variables: Variables) => Data;
}

/** The variables of an operation that has none. */
export type NoVariables = Readonly<Record<string, never>>;

/** Returns an operation, followed by the fragments that it uses. */
export function operation<Data, Variables extends object = NoVariables>(
  text: string,
  ...fragments: readonly string[]
): Operation<Data, Variables> {
  return { text: [text, ...fragments].join('\n') };
}
