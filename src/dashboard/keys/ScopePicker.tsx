import { Anchor, Button, Checkbox, Code, Collapse, Group, Input, Paper, Stack, Text } from '@mantine/core';
import { useId, useState } from 'react';
import type { ApiKeyType } from '../generated/graphql.js';
import { counted } from '../parts/words.js';
import { BUNDLES, coveredBy, hindrance, type Listing } from './scopeChoice.js';

interface ScopePickerProps {
  readonly listings: readonly Listing[];
  readonly type: ApiKeyType;
  readonly chosen: readonly string[];
  readonly choose: (scopes: string[]) => void;
  /** An error message; null if there is no error. */
  readonly fault: string | null;
}

/** Lets people choose scopes, and shows the fields that each scope gives access to. */
export function ScopePicker({ listings, type, chosen, choose, fault }: ScopePickerProps) {
  const id = useId();
  const free = (scope: string) => listings.some((one) => one.scope === scope && hindrance(one, type) === null);
  const bundles = BUNDLES.filter(({ scopes }) => scopes.every(free));
  const toggle = (scope: string) =>
    choose(chosen.includes(scope) ? chosen.filter((one) => one !== scope) : [...chosen, scope]);
  return (
    <Stack gap={6} role="group" aria-labelledby={`${id}-label`} aria-describedby={`${id}-description`}>
      <Input.Label id={`${id}-label`} component="div" required>
        Scopes
      </Input.Label>
      <Input.Description id={`${id}-description`}>
        Choose only the scopes that the key needs. You can add more later.
      </Input.Description>
      {bundles.length > 0 && (
        <Group gap="xs">
          {bundles.map(({ name, scopes }) => (
            <Button key={name} size="compact-sm" variant="default" onClick={() => choose([...scopes])}>
              {name}
            </Button>
          ))}
        </Group>
      )}
      <Paper
        withBorder
        p="xs"
        mah={340}
        style={{ overflowY: 'auto' }}
        tabIndex={0}
        role="region"
        aria-label="All scopes"
      >
        <Stack gap={2}>
          {listings.map((listing) => (
            <Choice
              key={listing.scope}
              listing={listing}
              type={type}
              checked={chosen.includes(listing.scope)}
              covered={coveredBy(listing.scope, chosen)}
              toggle={() => toggle(listing.scope)}
            />
          ))}
        </Stack>
      </Paper>
      {fault !== null && <Input.Error role="alert">{fault}</Input.Error>}
    </Stack>
  );
}

interface ChoiceProps {
  readonly listing: Listing;
  readonly type: ApiKeyType;
  readonly checked: boolean;
  readonly covered: string | null;
  readonly toggle: () => void;
}

function Choice({ listing, type, checked, covered, toggle }: ChoiceProps) {
  const [opened, setOpened] = useState(false);
  const { scope, opens } = listing;
  const id = useId();
  const hindered = hindrance(listing, type);
  const note = hindered ?? (covered !== null && !checked ? `Included in ${covered}` : null);
  return (
    <div>
      <Group gap="xs" wrap="nowrap" justify="space-between" align="flex-start" py={3}>
        <Checkbox
          size="sm"
          checked={checked}
          // A scope that the key already has can always be removed.
          disabled={!checked && hindered !== null}
          onChange={toggle}
          label={<Code>{scope}</Code>}
          description={note}
        />
        {opens.length > 0 && (
          <Anchor
            component="button"
            type="button"
            size="xs"
            style={{ flexShrink: 0 }}
            aria-expanded={opened}
            aria-controls={id}
            onClick={() => setOpened(!opened)}
            aria-label={`${scope} gives access to ${counted(opens.length, 'field')}`}
          >
            {counted(opens.length, 'field')}
          </Anchor>
        )}
      </Group>
      <Collapse expanded={opened} id={id}>
        <Text size="xs" c="dimmed" ff="monospace" pl={30} pb={6} className="anywhere">
          {opens.join(', ')}
        </Text>
      </Collapse>
    </div>
  );
}
