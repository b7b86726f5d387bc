declare const types: unique symbol;

/** A document with what it takes and what it answers. As text, for to parse it here would load a GraphQL library for nothing. */
export interface Operation<Data, Variables extends object> {
  readonly text: string;
  readonly [types]?: (variables: Variables) => Data;
}

/** Of an operation that takes none. */
export type NoVariables = Readonly<Record<string, never>>;

/** Returns an operation, followed by the fragments that it uses. */
export function operation<Data, Variables extends object = NoVariables>(
  text: string,
  ...fragments: readonly string[]
): Operation<Data, Variables> {
  return { text: [text, ...fragments].join('\n') };
}
