import { Alert, Anchor, Badge, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Link } from 'wouter';
import { AuditList } from '../audit/AuditList.js';
import { useAsk } from '../api/useAsk.js';
import { KeyDocument, type KeyFactsFragment, type KeyQuery } from '../generated/graphql.js';
import { Asking, Empty, Outline } from '../parts/Asking.js';
import { Ago, Moment } from '../parts/Moment.js';
import { Part } from '../parts/Part.js';
import { Page } from '../shell/Page.js';
import { StatusBadges } from './badges.js';
import { KeyActions } from './KeyActions.js';
import { KeyFacts } from './KeyFacts.js';
import { Limits } from './Limits.js';
import { Suggestion } from './Suggestion.js';

// The charts are larger than all the rest.
const UsagePanel = lazy(() => import('../usage/UsagePanel.js'));

/** All about a key, and what can be done with it. */
export default function KeyPage({ id }: { readonly id: string }) {
  const asked = useAsk(KeyDocument, { id });
  const key = asked.data?.apiKey ?? null;
  const title = key?.name ?? (asked.data === null ? 'API key' : 'No such API key');
  return (
    <Page
      title={title}
      above={
        <Anchor component={Link} href="/keys" size="sm">
          API keys
        </Anchor>
      }
      actions={key !== null && <KeyActions apiKey={key} />}
    >
      <Asking asked={asked}>{(data) => <Parts data={data} />}</Asking>
    </Page>
  );
}

function Parts({ data }: { readonly data: KeyQuery }) {
  const { apiKey, suggestScopes, auditLog } = data;
  if (apiKey == null) {
    return (
      <Empty title="There is no key of this id in the workspace">
        <Anchor component={Link} href="/keys">
          Look at all keys
        </Anchor>
      </Empty>
    );
  }
  const configured = apiKey.source === 'CONFIGURED';
  return (
    <Stack gap="lg">
      <Group gap="xs">
        <StatusBadges {...apiKey} />
        {configured && <Badge color="violet">Configured</Badge>}
      </Group>
      {configured && (
        <Alert color="violet">
          This key stands in the configuration of the server. It is changed and revoked there, and not here.
        </Alert>
      )}
      <Succession of={apiKey} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Part title="Details">
          <KeyFacts apiKey={apiKey} />
        </Part>
        <Stack gap="lg">
          <Part title="Limits">
            <Limits limits={apiKey.limits} />
          </Part>
          {suggestScopes != null && !configured && (
            <Part title="Scopes that it uses">
              <Suggestion suggestion={suggestScopes} apiKey={apiKey} />
            </Part>
          )}
        </Stack>
      </SimpleGrid>
      <Part title="Usage">
        <Suspense fallback={<Outline />}>
          <UsagePanel id={apiKey.id} />
        </Suspense>
      </Part>
      <Part title="Audit log">
        {auditLog === null || auditLog.nodes.length === 0 ? (
          <Text size="sm" c="dimmed">
            {apiKey.replaces === null ? 'Nothing was changed.' : 'Nothing was changed since it took over.'}
          </Text>
        ) : (
          <Stack gap="sm">
            <AuditList entries={auditLog.nodes} />
            {auditLog.pageInfo.hasNextPage && (
              <Anchor component={Link} href={`/audit?subject=${encodeURIComponent(apiKey.id)}`} size="sm">
                All entries of this key
              </Anchor>
            )}
          </Stack>
        )}
      </Part>
    </Stack>
  );
}

/** What it replaced and what replaced it, and whether the old one can go. */
function Succession({ of }: { readonly of: KeyFactsFragment }) {
  const { replaces, replacedBy, previousTokenLastUsedAt, status, expiresAt } = of;
  return (
    <>
      {replacedBy !== null && (
        <Alert color="blue" title="It was rotated">
          <Anchor component={Link} href={`/keys/${replacedBy.id}`} size="sm">
            The key that replaces it
          </Anchor>{' '}
          <Text span size="sm">
            {status === 'ACTIVE' && expiresAt !== null ? (
              <>
                works already. This one is refused <Ago at={expiresAt} />, on <Moment at={expiresAt} />.
              </>
            ) : (
              'has taken its place.'
            )}
          </Text>
        </Alert>
      )}
      {replaces !== null && replaces.status === 'ACTIVE' && (
        <Alert color="blue" title="The old key still works">
          <Anchor component={Link} href={`/keys/${replaces.id}`} size="sm">
            The key that this one replaces
          </Anchor>{' '}
          <Text span size="sm">
            {previousTokenLastUsedAt === null ? (
              'was never used: it can be revoked'
            ) : (
              <>
                was last used <Ago at={previousTokenLastUsedAt} />: once that stands still, all callers have the new one
              </>
            )}
            {replaces.expiresAt !== null && (
              <>
                . It ends <Ago at={replaces.expiresAt} />
              </>
            )}
            .
          </Text>
        </Alert>
      )}
    </>
  );
}
