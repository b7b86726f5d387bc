import { CloseButton, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { SearchIcon } from '@primer/octicons-react';
import { useState } from 'react';
import { byName } from '../parts/byName.js';
import { choices, ENVIRONMENTS, STATUSES, TYPES } from '../parts/words.js';
import type { ChangeView, KeyView } from './useKeyFilter.js';

/** How long a search waits for the next letter, in ms. Each one that is asked takes from the key's limit. */
const TYPING = 300;

export interface KeyFiltersProps {
  readonly view: KeyView;
  readonly change: ChangeView;
  readonly projects: readonly { readonly id: string; readonly name: string }[];
  /** Scopes that can be chosen. */
  readonly scopes: readonly string[];
}

/** Search and filters of the list. The API does both, over all keys and not only those of the page. */
export function KeyFilters({ view, change, projects, scopes }: KeyFiltersProps) {
  const [search, setSearch] = useState(view.search);
  const searchFor = useDebouncedCallback((text: string) => change({ search: text.trim() }), TYPING);
  const type = (text: string) => {
    setSearch(text);
    searchFor(text);
  };
  const select = { clearable: true, w: { base: 'calc(50% - 6px)', sm: 132 }, size: 'sm' } as const;
  return (
    <Group gap="sm" role="search" aria-label="API keys">
      <TextInput
        aria-label="Search by name"
        placeholder="Search by name"
        value={search}
        onChange={(event) => type(event.currentTarget.value)}
        leftSection={<SearchIcon />}
        rightSection={search !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />}
        w={{ base: '100%', sm: 208 }}
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
