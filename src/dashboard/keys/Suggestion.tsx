import { Code, Group, List, Stack, Text } from '@mantine/core';
import type { KeyFactsFragment, KeyQuery } from '../generated/graphql.js';
import { counted } from '../parts/words.js';
import { Scopes } from './badges.js';

interface SuggestionProps {
  readonly suggestion: NonNullable<KeyQuery['suggestScopes']>;
  readonly apiKey: KeyFactsFragment;
}

/** Compares the scopes of a key with those that it used in the last 30 days. */
export function Suggestion({ suggestion, apiKey }: SuggestionProps) {
  const { nothingUsed, scopes, unneeded, younger } = suggestion;
  if (nothingUsed) {
    return (
      <Text size="sm" c="dimmed">
        In the last 30 days, the key did not use any field that requires a scope.
      </Text>
    );
  }
  const needed = scopes.map(({ scope }) => scope);
  const less = unneeded.length > 0;
  const what = needed.length === 0 ? 'no scope.' : `${counted(needed.length, 'scope')}:`;
  return (
    <Stack gap="sm">
      <Text size="sm">
        In the last 30 days, the key{' '}
        {less ? `did not need all of its scopes. It needed ${what}` : 'needed all of its scopes:'}
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
          The key is less than 30 days old, so monthly tasks may be missing.
        </Text>
      )}
      {less && apiKey.status === 'ACTIVE' && (
        <Text size="xs" c="dimmed">
          Choose “Edit” to change the scopes. The change applies from the next request.
        </Text>
      )}
    </Stack>
  );
}
