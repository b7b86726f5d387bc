import { Anchor, Group, Stack, Text } from '@mantine/core';
import { Link } from 'wouter';
import type { KeyFactsFragment } from '../generated/graphql.js';
import { CATEGORIES, count, tierLabel } from '../parts/words.js';
import { CreditsRow, nameOf, QuotaRow, WindowRow } from './Rows.js';
import { pageOf, subjectsOf } from './subject.js';

/** Shows the limits, quotas and credits of a key, and what remains of them. */
export function KeyLimits({ apiKey }: { readonly apiKey: KeyFactsFragment }) {
  const { tier, rate, burst, categories, shared, quotas, credits, cost } = apiKey.limits;
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        Limits of the {tierLabel(tier)} tier. A rotated key shares them with the new key until it expires.
      </Text>
      <WindowRow name="Per minute" window={rate} />
      <WindowRow name="Per second" window={burst} />
      {categories.map((one) => (
        <Stack key={one.category} gap="md">
          <WindowRow name={`${CATEGORIES[one.category]} per minute`} window={one.rate} />
          <WindowRow name={`${CATEGORIES[one.category]} per second`} window={one.burst} />
        </Stack>
      ))}
      {shared.map((one) => (
        <Stack key={one.subject} gap="md">
          <WindowRow name={nameOf(one.subject, 'per minute')} window={one.rate} />
          <WindowRow name={nameOf(one.subject, 'per second')} window={one.burst} />
        </Stack>
      ))}
      {quotas.map((quota) => (
        <QuotaRow key={`${quota.subject} ${quota.window} ${quota.unit}`} quota={quota} />
      ))}
      {credits !== null && <CreditsRow credits={credits} />}
      {cost !== null && (
        <>
          <WindowRow name="Cost per minute" window={cost.rate} />
          <WindowRow name="Cost per second" window={cost.burst} />
          <Text size="sm">An operation can cost at most {count(cost.max)} units.</Text>
        </>
      )}
      <Shared apiKey={apiKey} />
    </Stack>
  );
}

/** Links the limits that the key shares with others. */
function Shared({ apiKey }: { readonly apiKey: KeyFactsFragment }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        Limits that this key shares:
      </Text>
      <Group gap="4px 16px">
        {subjectsOf(apiKey)
          .slice(1)
          .map(({ label, subject }) => (
            <Anchor key={label} component={Link} href={pageOf(subject)} size="sm" className="anywhere">
              {label}
            </Anchor>
          ))}
      </Group>
    </div>
  );
}
