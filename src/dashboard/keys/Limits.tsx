import { Group, Progress, Stack, Text } from '@mantine/core';
import type { KeyFactsFragment, WindowFragment } from '../generated/graphql.js';
import { CATEGORIES, count, tierLabel } from '../parts/words.js';

/** Shows the rate limits of a key and the requests that are left. */
export function Limits({ limits: { tier, rate, burst, categories } }: { readonly limits: KeyFactsFragment['limits'] }) {
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        Limits of the {tierLabel(tier)} tier. A rotated key shares them with the new key until it expires.
      </Text>
      <Room name="Per minute" window={rate} />
      <Room name="Per second" window={burst} />
      {categories.map((one) => (
        <Stack key={one.category} gap="md">
          <Room name={`${CATEGORIES[one.category]} per minute`} window={one.rate} />
          <Room name={`${CATEGORIES[one.category]} per second`} window={one.burst} />
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
          {count(remaining)} of {count(limit)} left
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
