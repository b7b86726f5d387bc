import { CloseButton, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { SearchIcon } from '@primer/octicons-react';
import { useEffect, useRef, useState } from 'react';
import { byName } from '../parts/byName.js';
import { choices, ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';
import { digested, reduce } from './reducedClue.js';
import type { ChangeView, KeyView } from './useKeyFilter.js';

/** How long a search waits for the next character, in ms: each request counts towards the key's rate limit. */
const TYPING = 300;

interface KeyFiltersProps {
  readonly view: KeyView;
  readonly change: ChangeView;
  readonly projects: readonly { readonly id: string; readonly name: string }[];
  /** Scopes to choose from. */
  readonly scopes: readonly string[];
}

/** Search and filters of the list. The API applies them to all keys, not only to those on the page. */
export function KeyFilters({ view, change, projects, scopes }: KeyFiltersProps) {
  const { search, type, apply, fault } = useSearch(view.search, change);
  const select = { clearable: true, w: { base: 'calc(50% - 6px)', sm: 132 }, size: 'sm' } as const;
  return (
    <Group gap="sm" role="search" aria-label="API keys">
      <TextInput
        aria-label="Search by name, ID, prefix or token"
        placeholder="Name, ID, prefix or token"
        autoComplete="off"
        spellCheck={false}
        value={search}
        error={fault}
        onChange={(event) => type(event.currentTarget.value)}
        onPaste={(event) => {
          const text = event.clipboardData.getData('text');
          const clue = reduce(text, true);
          // A token must not be in the field even for a moment: the browser's undo history would keep it.
          if (clue.kind === 'text') return;
          event.preventDefault();
          type(text, true);
        }}
        onKeyDown={(event) => event.key === 'Enter' && apply()}
        leftSection={<SearchIcon />}
        rightSection={search !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />}
        w={{ base: '100%', sm: 240 }}
      />
      <Select
        {...select}
        aria-label="Status"
        placeholder="Any status"
        data={choices(STATUSES)}
        value={view.status}
        onChange={(status) => change({ status })}
      />
      <Select
        {...select}
        aria-label="Type"
        placeholder="Any type"
        data={choices(TYPES)}
        value={view.type}
        onChange={(type) => change({ type })}
      />
      <Select
        {...select}
        w={{ base: 'calc(50% - 6px)', sm: 152 }}
        aria-label="Environment"
        placeholder="Live and test"
        data={choices(ENVIRONMENTS)}
        value={view.environment}
        onChange={(environment) => change({ environment })}
      />
      {(projects.length > 0 || view.project !== null) && (
        <Select
          {...select}
          aria-label="Project"
          placeholder="Any project"
          searchable
          filter={byName}
          data={projects.map(({ id, name }) => ({ value: id, label: name }))}
          value={view.project}
          onChange={(project) => change({ project })}
        />
      )}
      <Select
        {...select}
        aria-label="Scope"
        placeholder="Any scope"
        searchable
        data={[...new Set([...scopes, ...(view.scope === null ? [] : [view.scope])])]}
        value={view.scope}
        onChange={(scope) => change({ scope })}
      />
    </Group>
  );
}

const MISTYPED = 'The checksum of this token is wrong. It may be mistyped or incomplete.';

/** Keeps the text of the search. A token is reduced here, before the text is put into the URL or sent to the server. */
function useSearch(initial: string, change: ChangeView) {
  const [search, setSearch] = useState(initial);
  const [wanted, setWanted] = useState(initial);
  const [fault, setFault] = useState<string | null>(null);
  const latest = useRef(search);
  // The back button and “Clear search and filters” change the URL.
  if (wanted !== initial) {
    setWanted(initial);
    if (search.trim() !== initial) setSearch(initial);
  }
  useEffect(() => {
    latest.current = search;
  }, [search]);
  const searchFor = useDebouncedCallback(() => change({ search: latest.current.trim() }), {
    delay: TYPING,
    flushOnUnmount: false,
  });
  const show = (text: string): void => {
    latest.current = text;
    setSearch(text);
  };
  const type = (text: string, isPasted = false): void => {
    const clue = reduce(text, isPasted);
    setFault(clue.kind === 'refused' ? clue.problem : clue.kind === 'token' && clue.isMistyped ? MISTYPED : null);
    if (clue.kind === 'text' || clue.kind === 'token') {
      show(clue.text);
      searchFor();
      return;
    }
    show('');
    searchFor.cancel();
    if (clue.kind !== 'secret') return;
    void digested(clue).then((digests) => {
      if (latest.current !== '') return;
      if (digests === null)
        setFault('This looks like a token of another system. Open the dashboard over HTTPS to search for it.');
      else type(digests.text);
    });
  };
  return { search, type, apply: () => searchFor.flush(), fault };
}
