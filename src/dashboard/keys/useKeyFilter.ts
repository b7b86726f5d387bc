import { useEffect, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { ApiKeyEnvironment, ApiKeyFilter, ApiKeyStatus, ApiKeyType } from '../generated/graphql.js';
import { ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';
import { reduce } from './reducedClue.js';
import { isOrdered, type Sorting } from './sorting.js';

/** The state of the list. It is kept in the URL, so that a reload and the back button restore it. */
export interface KeyView {
  /** Never the secret of a token: see {@link reduce}. */
  readonly search: string;
  readonly status: ApiKeyStatus | null;
  readonly type: ApiKeyType | null;
  readonly environment: ApiKeyEnvironment | null;
  readonly project: string | null;
  readonly scope: string | null;
  /** null for newest first. */
  readonly sorting: Sorting | null;
  /** The first page is 1. */
  readonly page: number;
}

export type ChangeView = (change: Partial<Record<keyof Omit<KeyView, 'sorting'> | 'sort', string | null>>) => void;

/** Returns the state and a function that changes it. Every change except of the page goes back to the first page. */
export function useKeyView(): [view: KeyView, change: ChangeView] {
  const [params, setParams] = useSearchParams();
  const view = useMemo(() => read(params), [params]);
  const change: ChangeView = (values) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete('page');
        for (const [name, given] of Object.entries(values)) {
          const value = name === 'search' ? searchable(given ?? '') : given;
          if (value === null || value === '') next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  const given = params.get('search') ?? '';
  useEffect(() => {
    // The URL contains a whole token.
    if (given === view.search) return;
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        if (view.search === '') next.delete('search');
        else next.set('search', view.search);
        return next;
      },
      { replace: true },
    );
  }, [given, view.search, setParams]);
  return [view, change];
}

/** Returns the part of a search that may be put into the URL. */
function searchable(text: string): string {
  const clue = reduce(text);
  return clue.kind === 'text' || clue.kind === 'token' ? clue.text : '';
}

/** Returns the filter for the API, empty if everything is shown. */
export function filterOf({ search, status, type, environment, project, scope }: KeyView): ApiKeyFilter {
  return {
    // A name has at most 100 characters. Several digests have more, and no name contains them.
    ...(search !== '' && { nameContains: search.slice(0, 100) }),
    ...(status !== null && { status }),
    ...(type !== null && { type }),
    ...(environment !== null && { environment }),
    ...(project !== null && { projectId: project }),
    ...(scope !== null && { scope }),
  };
}

function read(params: URLSearchParams): KeyView {
  const [column = '', direction] = (params.get('sort') ?? '').split(' ');
  const page = Number(params.get('page') ?? 1);
  return {
    search: searchable(params.get('search') ?? ''),
    status: oneOf(STATUSES, params.get('status')),
    type: oneOf(TYPES, params.get('type')),
    environment: oneOf(ENVIRONMENTS, params.get('environment')),
    project: params.get('project'),
    scope: params.get('scope'),
    sorting: isOrdered(column) ? { column, descending: direction === 'descending' } : null,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

function oneOf<Word extends string>(words: Readonly<Record<Word, string>>, text: string | null): Word | null {
  return text !== null && Object.hasOwn(words, text) ? (text as Word) : null;
}
