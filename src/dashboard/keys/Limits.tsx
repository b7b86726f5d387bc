import { Group, Progress, Stack, Text } from '@mantine/core';
import type { KeyFactsFragment, WindowFragment } from '../generated/graphql.js';
import { CATEGORIES, count, TIERS } from '../parts/words.js';

/** The key's limits, and what they have room for at this moment. */
export function Limits({ limits: { tier, rate, burst, categories } }: { readonly limits: KeyFactsFragment['limits'] }) {
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        As the {TIERS[tier]} tier has them. A key and its successor in overlap share them.
      </Text>
      <Room name="A minute" window={rate} />
      <Room name="A second" window={burst} />
      {categories.map((one) => (
        <Stack key={one.category} gap="md">
          <Room name={`${CATEGORIES[one.category]}, a minute`} window={one.rate} />
          <Room name={`${CATEGORIES[one.category]}, a second`} window={one.burst} />
        </Stack>
      ))}
    </Stack>
  );
}

function Room({ name, window: { limit, remaining } }: { readonly name: string; readonly window: WindowFragment }) {
  const used = limit - remaining;
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm">{name}</Text>
        <Text size="sm" className="number">
          room for {count(remaining)} of {count(limit)}
        </Text>
      </Group>
      <Progress
        value={(100 * used) / limit}
        aria-label={`${name}: ${count(used)} of ${count(limit)} used`}
        color={remaining === 0 ? 'red' : 'pine'}
      />
    </div>
  );
}
