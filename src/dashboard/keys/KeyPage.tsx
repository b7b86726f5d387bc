import { Alert, Anchor, Badge, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { Link } from 'wouter';
import { AuditList } from '../audit/AuditList.js';
import { useAsk } from '../api/useAsk.js';
import { KeyDocument, type AuthorshipFragment, type KeyFactsFragment, type KeyQuery } from '../generated/graphql.js';
import { Actor } from '../parts/Actor.js';
import { Asking, Empty, Outline } from '../parts/Asking.js';
import { Ago, Moment } from '../parts/Moment.js';
import { Part } from '../parts/Part.js';
import { KeyLimits } from '../limits/KeyLimits.js';
import { holderOfCredits, subjectsOf } from '../limits/subject.js';
import { Page } from '../shell/Page.js';
import { StatusBadges } from './badges.js';
import { KeyActions } from './KeyActions.js';
import { KeyFacts } from './KeyFacts.js';
import { LAST_USED_DELAY } from './sorting.js';
import { Suggestion } from './Suggestion.js';

// Loaded later: the charts are larger than everything else, and the dialogs are needed rarely.
const AddCreditsDialog = lazy(() => import('../limits/AddCreditsDialog.js'));
const LimitsDialog = lazy(() => import('../limits/LimitsDialog.js'));
const UsagePanel = lazy(() => import('../usage/UsagePanel.js'));

/** Shows a key and the actions on it. */
export default function KeyPage({ id }: { readonly id: string }) {
  const asked = useAsk(KeyDocument, { id });
  const key = asked.data?.apiKey ?? null;
  const title = key?.name ?? (asked.data === null ? 'API key' : 'API key not found');
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
      <Asking asked={asked}>{(data) => <Parts data={data} ask={asked.ask} />}</Asking>
    </Page>
  );
}

function Parts({ data, ask }: { readonly data: KeyQuery; readonly ask: () => void }) {
  const { apiKey, suggestScopes, auditLog } = data;
  if (apiKey == null) {
    return (
      <Empty title="This workspace has no key with this ID">
        <Anchor component={Link} href="/keys">
          Show all keys
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
        <Alert color="violet">This key is defined in the server’s configuration. Change or revoke it there.</Alert>
      )}
      <Succession of={apiKey} rotation={data.rotation?.nodes[0] ?? null} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Stack gap="lg">
          <Part title="Details">
            <KeyFacts apiKey={apiKey} revocation={data.revocation?.nodes[0] ?? null} />
          </Part>
          {suggestScopes != null && !configured && (
            <Part title="Used scopes">
              <Suggestion suggestion={suggestScopes} apiKey={apiKey} />
            </Part>
          )}
        </Stack>
        <Stack gap="lg">
          <Part title="Limits">
            <KeyLimits apiKey={apiKey} />
            {!configured && data.viewer?.scopes.includes('platform') === true && (
              <LimitActions apiKey={apiKey} changed={ask} />
            )}
          </Part>
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
            {apiKey.replaces === null ? 'No changes yet.' : 'No changes since the rotation that created this key.'}
          </Text>
        ) : (
          <Stack gap="sm">
            <AuditList entries={auditLog.nodes} />
            {auditLog.pageInfo.hasNextPage && (
              <Anchor component={Link} href={`/audit?subject=${encodeURIComponent(apiKey.id)}`} size="sm">
                Show all entries of this key
              </Anchor>
            )}
          </Stack>
        )}
      </Part>
    </Stack>
  );
}

/** Opens the dialogs that replace the limits of the tier and add credits. */
function LimitActions({ apiKey, changed }: { readonly apiKey: KeyFactsFragment; readonly changed: () => void }) {
  const [dialog, setDialog] = useState<'limits' | 'credits' | null>(null);
  const close = () => setDialog(null);
  const holder = holderOfCredits(apiKey);
  return (
    <Group gap="xs" mt="md">
      <Button variant="default" onClick={() => setDialog('limits')}>
        Set limits
      </Button>
      {holder !== null && (
        <Button variant="default" onClick={() => setDialog('credits')}>
          Add credits
        </Button>
      )}
      <Suspense fallback={null}>
        {dialog === 'limits' && <LimitsDialog subjects={subjectsOf(apiKey)} changed={changed} close={close} />}
        {dialog === 'credits' && holder !== null && <AddCreditsDialog {...holder} changed={changed} close={close} />}
      </Suspense>
    </Group>
  );
}

interface SuccessionProps {
  readonly of: KeyFactsFragment;
  /** The audit entry of its rotation. */
  readonly rotation: AuthorshipFragment | null;
}

/** Links a rotated key and the key that replaced it, and says whether the old key is still used. */
function Succession({ of, rotation }: SuccessionProps) {
  const { replaces, replacedBy, previousTokenLastUsedAt, status, expiresAt } = of;
  return (
    <>
      {replacedBy !== null && (
        <Alert color="blue" title="This key was rotated">
          <Text size="sm">
            {rotation !== null && (
              <>
                <Moment at={rotation.at} /> by <Actor id={rotation.actor} name={rotation.actorName} />.{' '}
              </>
            )}
            <Anchor component={Link} href={`/keys/${replacedBy.id}`} size="sm" title={replacedBy.id} underline="always">
              Show the new key
            </Anchor>
            .{' '}
            {status === 'ACTIVE' && expiresAt !== null && (
              <>
                This key works until <Moment at={expiresAt} /> (<Ago at={expiresAt} />
                ).
              </>
            )}
          </Text>
        </Alert>
      )}
      {replaces !== null && replaces.status === 'ACTIVE' && (
        <Alert color="blue" title="The previous key still works">
          <Text size="sm">
            {previousTokenLastUsedAt === null ? (
              `It was never used (${LAST_USED_DELAY}), so you can revoke it.`
            ) : (
              <>
                It was last used <Ago at={previousTokenLastUsedAt} /> ({LAST_USED_DELAY}). Revoke it when no caller uses
                it any more.
              </>
            )}
            {replaces.expiresAt !== null && (
              <>
                {' '}
                It expires <Ago at={replaces.expiresAt} />.
              </>
            )}{' '}
            <Anchor component={Link} href={`/keys/${replaces.id}`} size="sm" title={replaces.id} underline="always">
              Show the previous key
            </Anchor>
          </Text>
        </Alert>
      )}
    </>
  );
}
