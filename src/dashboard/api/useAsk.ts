import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createRequest, type AnyVariables, type RequestPolicy } from '@urql/core';
import { useCallback } from 'react';
import { useQuery } from 'urql';
import { faultOf, type Fault } from './apiFault.js';
import { useAgain } from './useAgain.js';

/** The state of a query. */
export interface Asked<Data> {
  /** The last response for these variables; null until there is one. It stays while the query is sent again. */
  readonly data: Data | null;
  readonly fault: Fault | null;
  /** When the query is repeated, in ms since the epoch; null means never. */
  readonly again: number | null;
  readonly ask: () => void;
}

interface AskOptions {
  /** Default: cached data is shown and the query is sent again. */
  readonly requestPolicy?: RequestPolicy;
}

/** Sends a query when the page opens and after changes of its data. Repeats it after a rate limit and after a missing response. */
export function useAsk<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { requestPolicy = 'cache-and-network' }: AskOptions = {},
): Asked<Data> {
  const [{ data, error, fetching, operation }, execute] = useQuery<Data, Variables>({
    query,
    variables,
    requestPolicy,
  } as never);
  // urql keeps the response for the previous variables, so another key's data would be shown under this key's name.
  const isCurrent = operation?.key === createRequest(query, variables).key;
  const ask = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]);
  const fault = error === undefined || fetching ? null : faultOf(error);
  const again = useAgain(fault, ask);
  return { data: isCurrent ? (data ?? null) : null, fault, again, ask };
}
