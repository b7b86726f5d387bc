import { Code, Group, List, Stack, Text } from '@mantine/core';
import type { KeyFactsFragment, KeyQuery } from '../generated/graphql.js';
import { counted } from '../parts/words.js';
import { Scopes } from './badges.js';

export interface SuggestionProps {
  readonly suggestion: NonNullable<KeyQuery['suggestScopes']>;
  readonly apiKey: KeyFactsFragment;
}

/** Whether the key would do with less than it holds, by what it used in the last thirty days. */
export function Suggestion({ suggestion, apiKey }: SuggestionProps) {
  const { nothingUsed, scopes, unneeded, younger } = suggestion;
  if (nothingUsed) {
    return (
      <Text size="sm" c="dimmed">
        In the last 30 days it used nothing that needs a scope. There is nothing to go by yet.
      </Text>
    );
  }
  const needed = scopes.map(({ scope }) => scope);
  const less = unneeded.length > 0;
  return (
    <Stack gap="sm">
      <Text size="sm">
        {less
          ? 'It needs less than it holds. What it used in the last 30 days takes'
          : 'It needs all that it holds. What it used in the last 30 days takes'}{' '}
        {needed.length === 0 ? 'a valid key alone.' : counted(needed.length, 'scope') + ':'}
      </Text>
      {needed.length > 0 && (
        <List size="sm" spacing={4}>
          {scopes.map(({ scope, fields }) => (
            <List.Item key={scope}>
              <Code>{scope}</Code>{' '}
              <Text span size="xs" c="dimmed" className="anywhere">
                for{' '}
                {fields
                  .slice(0, 3)
                  .map(({ coordinate }) => coordinate)
                  .join(', ')}
                {fields.length > 3 && ` and ${fields.length - 3} more`}
              </Text>
            </List.Item>
          ))}
        </List>
      )}
      {less && (
        <Group gap={6}>
          <Text size="sm">Not needed:</Text>
          <Scopes scopes={unneeded} />
        </Group>
      )}
      {younger === true && (
        <Text size="xs" c="dimmed">
          The key is younger than 30 days: what it does once a month may be missing.
        </Text>
      )}
      {less && apiKey.status === 'ACTIVE' && (
        <Text size="xs" c="dimmed">
          “Edit” above changes the scopes from the next request on.
        </Text>
      )}
    </Stack>
  );
}
