import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { CombinedError, type AnyVariables } from '@urql/core';
import { useCallback, useEffect, useReducer } from 'react';
import { useClient } from 'urql';
import { faultOf, type Fault } from './apiFault.js';
import { useAgain } from './useAgain.js';

/** One page of a list, from a response. */
interface PageOf<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly totalCount?: number;
}

/** The pages of a list that were read so far. */
export interface Pages<Data, Node> {
  readonly nodes: readonly Node[];
  /** The response with the first page; null until there is one. */
  readonly first: Data | null;
  /** The number of matches; null if the list does not say, or not yet. */
  readonly total: number | null;
  /** Whether `nodes` has all matches. */
  readonly whole: boolean;
  /** Whether the nodes are still those of the previous query. */
  readonly stale: boolean;
  readonly fault: Fault | null;
  /** The message of an error that leaves the page as it is; null if there was none. */
  readonly note: string | null;
  readonly again: number | null;
  readonly ask: () => void;
}

interface State<Data, Node> {
  /** The query that this state belongs to. */
  readonly of: string;
  readonly nodes: readonly Node[];
  readonly first: Data | null;
  readonly total: number | null;
  /** The cursor of the next page; null for the first page; undefined if there are no more pages. */
  readonly next: string | null | undefined;
  readonly fault: Fault | null;
  readonly note: string | null;
}

type Change<Data, Node> =
  | {
      readonly kind: 'page';
      readonly of: string;
      readonly data: Data;
      readonly page: PageOf<Node>;
      readonly note: string | null;
    }
  | { readonly kind: 'fault'; readonly of: string; readonly fault: Fault }
  | { readonly kind: 'again' }
  | { readonly kind: 'afresh' };

interface PagesOptions<Data, Variables, Node> {
  /** The variables as text: if it changes, the list is read again. */
  readonly of: string;
  readonly variables: (after: string | null) => Variables;
  /** Returns the page in a response; null if the response has none. */
  readonly pageOf: (data: Data) => PageOf<Node> | null;
  /** How many nodes are shown. */
  readonly needed: number;
  /** Returns whether an error leaves the page as it is, because it concerns another field. Default: it does not. */
  readonly isHarmless?: (error: CombinedError) => boolean;
}

/** Reads pages of a list until there are as many nodes as are needed. */
export function usePages<Data, Variables extends AnyVariables, Node>(
  query: TypedDocumentNode<Data, Variables>,
  { of, variables, pageOf, needed, isHarmless = () => false }: PagesOptions<Data, Variables, Node>,
): Pages<Data, Node> {
  const client = useClient();
  const [state, dispatch] = useReducer(reduce<Data, Node>, EMPTY);
  const { nodes, fault, first, total, note } = state;
  const stale = state.of !== of;
  const next = stale ? null : state.next;
  const lacking = stale || (nodes.length < needed && next !== undefined);
  const asking = lacking && (stale || fault === null);

  useEffect(() => {
    if (!asking) return undefined;
    let wanted = true;
    void client
      .query(query, variables(next ?? null), { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ data, error }) => {
        if (!wanted) return;
        const page = data === undefined || (error !== undefined && !isHarmless(error)) ? null : pageOf(data);
        if (page === null) dispatch({ kind: 'fault', of, fault: faultOf(error ?? new CombinedError({})) });
        // The list would never end.
        else if (page.pageInfo.hasNextPage && page.pageInfo.endCursor === next)
          dispatch({ kind: 'fault', of, fault: faultOf(REPEATED) });
        else if (data !== undefined)
          dispatch({ kind: 'page', of, data, page, note: error?.graphQLErrors[0]?.message ?? null });
      });
    return () => {
      wanted = false;
    };
    // `of` stands for the variables, and the functions are the same for each of them.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [client, query, of, asking, next]);

  const again = useAgain(
    fault,
    useCallback(() => dispatch({ kind: 'again' }), []),
  );
  const ask = useCallback(() => dispatch({ kind: 'afresh' }), []);
  return { nodes, first, total, whole: !stale && next === undefined, stale, fault, note, again, ask };
}

const REPEATED = new CombinedError({
  networkError: new Error('The server returned the same page twice. Reload this page.'),
});

const EMPTY = { of: '', nodes: [], first: null, total: null, next: null, fault: null, note: null } as const;

function reduce<Data, Node>(state: State<Data, Node>, change: Change<Data, Node>): State<Data, Node> {
  switch (change.kind) {
    case 'page': {
      const { of, data, page, note } = change;
      const begun = state.of === of && state.next !== null;
      const { hasNextPage, endCursor } = page.pageInfo;
      return {
        of,
        nodes: begun ? [...state.nodes, ...page.nodes] : page.nodes,
        first: begun ? state.first : data,
        total: page.totalCount ?? null,
        next: hasNextPage && endCursor !== null ? endCursor : undefined,
        fault: null,
        note: begun ? state.note : note,
      };
    }
    case 'fault':
      return state.of === change.of
        ? { ...state, fault: change.fault }
        : { ...state, of: change.of, nodes: [], next: null, fault: change.fault };
    case 'again':
      return { ...state, fault: null };
    case 'afresh':
      // The nodes stay visible until the response replaces them.
      return { ...state, of: '', fault: null };
  }
}
