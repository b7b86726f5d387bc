import { useMemo } from 'react';
import { useSearchParams } from 'wouter';
import type { ApiKeyEnvironment, ApiKeyFilter, ApiKeyStatus, ApiKeyType } from '../generated/graphql.js';
import { ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';
import { isColumn, type Sorting } from './sorting.js';

/** What the list shows, as it stands in the address: a reload and the way back find it as it was. */
export interface KeyView {
  readonly search: string;
  readonly status: ApiKeyStatus | null;
  readonly type: ApiKeyType | null;
  readonly environment: ApiKeyEnvironment | null;
  readonly project: string | null;
  readonly scope: string | null;
  /** null: as the API has them, newest first. */
  readonly sorting: Sorting | null;
  /** From 1 on. */
  readonly page: number;
}

export type ChangeView = (change: Partial<Record<keyof Omit<KeyView, 'sorting'> | 'sort', string | null>>) => void;

/** A change of anything but the page begins at the first page. */
export function useKeyView(): [view: KeyView, change: ChangeView] {
  const [params, setParams] = useSearchParams();
  const view = useMemo(() => read(params), [params]);
  const change: ChangeView = (values) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete('page');
        for (const [name, value] of Object.entries(values)) {
          if (value === null || value === '') next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  return [view, change];
}

/** For the API; empty where everything is shown. */
export function filterOf({ search, status, type, environment, project, scope }: KeyView): ApiKeyFilter {
  return {
    ...(search !== '' && { nameContains: search }),
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
    search: params.get('search') ?? '',
    status: oneOf(STATUSES, params.get('status')),
    type: oneOf(TYPES, params.get('type')),
    environment: oneOf(ENVIRONMENTS, params.get('environment')),
    project: params.get('project'),
    scope: params.get('scope'),
    sorting: isColumn(column) ? { column, descending: direction === 'descending' } : null,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

function oneOf<Word extends string>(words: Readonly<Record<Word, string>>, text: string | null): Word | null {
  return text !== null && Object.hasOwn(words, text) ? (text as Word) : null;
}
