import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { AnyVariables, RequestPolicy } from '@urql/core';
import { useCallback } from 'react';
import { useQuery } from 'urql';
import { faultOf, type Fault } from './fault.js';
import { useAgain } from './useAgain.js';

/** A question to the API, as far as it is answered. */
export interface Asked<Data> {
  /** The last answer; null until there is one. It stays while the question is asked again. */
  readonly data: Data | null;
  readonly fault: Fault | null;
  /** When it is asked again by itself, in ms since the epoch; null: it is not. */
  readonly again: number | null;
  readonly ask: () => void;
}

export interface AskOptions {
  /** Default: what is remembered is shown and asked anew. */
  readonly requestPolicy?: RequestPolicy;
}

/** Asks when the page opens, after changes of what it shows, and again by itself where room or the server is away. */
export function useAsk<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { requestPolicy = 'cache-and-network' }: AskOptions = {},
): Asked<Data> {
  const [{ data, error, fetching }, execute] = useQuery<Data, Variables>({ query, variables, requestPolicy } as never);
  const ask = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]);
  const fault = error === undefined || fetching ? null : faultOf(error);
  const again = useAgain(fault, ask);
  return { data: data ?? null, fault, again, ask };
}
