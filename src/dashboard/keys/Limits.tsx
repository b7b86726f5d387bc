import { Group, Progress, Stack, Text } from '@mantine/core';
import type { KeyFactsFragment, LimitSharing, WindowFragment } from '../generated/graphql.js';
import { Moment } from '../parts/Moment.js';
import { CATEGORIES, count, tierLabel } from '../parts/words.js';

/** Shows the rate limits of a key and the requests that are left. */
export function Limits({
  limits: { tier, rate, burst, categories, shared },
}: {
  readonly limits: KeyFactsFragment['limits'];
}) {
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
      {shared.map((one) => (
        <Stack key={one.subject} gap="md">
          <Room name={`${SHARING[one.subject]} per minute`} window={one.rate} />
          <Room name={`${SHARING[one.subject]} per second`} window={one.burst} />
        </Stack>
      ))}
    </Stack>
  );
}

/** The names of shared limits. */
const SHARING: Readonly<Record<LimitSharing, string>> = {
  OWNER: 'All keys of the owner',
  PROJECT: 'All keys of the project',
  WORKSPACE: 'All keys of the workspace',
};

function Room({ name, window }: { readonly name: string; readonly window: WindowFragment }) {
  const { limit, remaining, source, until } = window;
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
      {source === 'OVERRIDE' && (
        <Text size="xs" c="dimmed">
          In place of the limit of the tier
          {until === null ? (
            ''
          ) : (
            <>
              , until <Moment at={until} />
            </>
          )}
        </Text>
      )}
    </div>
  );
}
