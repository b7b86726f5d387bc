import { Button, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useAsk } from '../api/useAsk.js';
import { WorkspaceDocument, type WorkspaceQuery } from '../generated/graphql.js';
import { Overrides } from '../limits/Overrides.js';
import { SubjectLimits } from '../limits/SubjectLimits.js';
import { Asking } from '../parts/Asking.js';
import { Fact, Facts } from '../parts/Facts.js';
import { Moment } from '../parts/Moment.js';
import { Part } from '../parts/Part.js';
import { count, counted, tierLabel } from '../parts/words.js';
import { Page } from '../shell/Page.js';
import { Projects } from './Projects.js';
import { TierDialog } from './TierDialog.js';
import { TierTable } from './TierTable.js';
import { Users } from './Users.js';

/** Shows the workspace, its tier, its projects and its users. */
export default function WorkspacePage() {
  const asked = useAsk(WorkspaceDocument, {});
  return (
    <Page title="Workspace">
      <Asking asked={asked}>{(data) => <Parts data={data} />}</Asking>
    </Page>
  );
}

function Parts({ data: { viewer, tiers } }: { readonly data: WorkspaceQuery }) {
  const [changing, setChanging] = useState(false);
  if (viewer === null) return null;
  const { workspace, scopes } = viewer;
  const isPlatform = scopes.includes('platform');
  const own = tiers.find(({ tier }) => tier === workspace.tier);
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Part title={workspace.name}>
          <Facts>
            <Fact name="ID">
              <code>{workspace.id}</code>
            </Fact>
            <Fact name="Created">
              <Moment at={workspace.createdAt} />
            </Fact>
            <Fact name="Tier">{tierLabel(workspace.tier)}</Fact>
            {own !== undefined && (
              <Fact name="Limits per key">
                {counted(own.perMinute, 'request')} per minute, {count(own.perSecond)} per second
              </Fact>
            )}
          </Facts>
        </Part>
        <Part title="Keys in use">
          <Places name="Keys" {...workspace.keys} />
          <Places name="Admin keys" {...workspace.keys.admin} />
          <Text size="sm" c="dimmed" mt="xs">
            Keys that only have the scopes admin or platform count as admin keys. While the old key of a rotation still
            works, both count as one key. Revoked and expired keys do not count.
          </Text>
        </Part>
      </SimpleGrid>
      <Part
        title="Tiers"
        actions={
          isPlatform && (
            <Button variant="default" size="xs" onClick={() => setChanging(true)}>
              Change tier
            </Button>
          )
        }
      >
        <TierTable tiers={tiers} present={workspace.tier} />
        <Text size="sm" c="dimmed" mt="sm">
          A change of tier applies to the next request of every key in the workspace. Used limits are not reset.
          {!isPlatform && ' Only the operator can change the tier.'}
        </Text>
      </Part>
      {/* A key of a project cannot read the limits of the workspace. */}
      {viewer.project === null && (
        <Part title="Limits of all keys">
          <SubjectLimits
            subject={{ type: 'WORKSPACE', id: workspace.id }}
            label={`All keys of ${workspace.name}`}
            canChange={isPlatform}
          />
        </Part>
      )}
      {isPlatform && <Overrides />}
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Projects />
        <Users />
      </SimpleGrid>
      {changing && <TierDialog workspace={workspace} tiers={tiers} close={() => setChanging(false)} />}
    </Stack>
  );
}

interface PlacesProps {
  readonly name: string;
  readonly current: number;
  readonly max: number | null;
}

function Places({ name, current, max }: PlacesProps) {
  return (
    <Stack gap="xs" mb="sm">
      <Group align="baseline" gap={6}>
        <Text fw={500}>{name}</Text>
        <Text size="xl" fw={650} className="number">
          {count(current)}
        </Text>
        <Text c="dimmed">{max === null ? '(no limit)' : `of ${count(max)}`}</Text>
      </Group>
      {max !== null && (
        <Progress
          value={Math.min(100, (100 * current) / max)}
          color={current >= max ? 'red' : 'pine'}
          aria-label={`${name}: ${count(current)} of ${count(max)} in use`}
        />
      )}
    </Stack>
  );
}
