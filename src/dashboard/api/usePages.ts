import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { CombinedError, type AnyVariables } from '@urql/core';
import { useCallback, useEffect, useReducer } from 'react';
import { useClient } from 'urql';
import { faultOf, type Fault } from './fault.js';
import { useAgain } from './useAgain.js';

/** One page of a list, taken out of an answer. */
export interface PageOf<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly totalCount?: number;
}

/** A list that is read page by page, as far as it has got. */
export interface Pages<Data, Node> {
  readonly nodes: readonly Node[];
  /** The answer with the first page; null until there is one. */
  readonly first: Data | null;
  /** Of all that match; null where the list does not tell, or not yet. */
  readonly total: number | null;
  /** Is there no more than `nodes`? */
  readonly whole: boolean;
  /** Are these still the nodes of the question before? */
  readonly stale: boolean;
  readonly fault: Fault | null;
  /** The message of an error that leaves the page as it is; null: there was none. */
  readonly note: string | null;
  readonly again: number | null;
  readonly ask: () => void;
}

interface State<Data, Node> {
  /** The question that this answers. */
  readonly of: string;
  readonly nodes: readonly Node[];
  readonly first: Data | null;
  readonly total: number | null;
  /** Where the next page begins; null: at the list's beginning; undefined: there is none. */
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

/**
 * Reads a list until it holds as many nodes as are needed.
 *
 * @param of what the variables are, as text: another one is another list
 * @param pageOf takes the page out of an answer; null where the answer has none
 * @param needed how many nodes the page wants to show
 * @param isHarmless returns whether an error leaves the page as it is, because it concerns another field
 */
export function usePages<Data, Variables extends AnyVariables, Node>(
  query: TypedDocumentNode<Data, Variables>,
  { of, variables }: { readonly of: string; readonly variables: (after: string | null) => Variables },
  pageOf: (data: Data) => PageOf<Node> | null,
  needed: number,
  isHarmless: (error: CombinedError) => boolean = () => false,
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
      // The nodes stay in sight until the answer takes their place.
      return { ...state, of: '', fault: null };
  }
}
