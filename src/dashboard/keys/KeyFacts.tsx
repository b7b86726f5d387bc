import { Code, CopyButton, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import type { AuthorshipFragment, KeyFactsFragment } from '../generated/graphql.js';
import { Actor } from '../parts/Actor.js';
import { Fact, Facts } from '../parts/Facts.js';
import { Ago, Moment } from '../parts/Moment.js';
import { counted } from '../parts/words.js';
import { KeyScopes, kindOf } from './badges.js';
import { LAST_USED_DELAY } from './sorting.js';

interface KeyFactsProps {
  readonly apiKey: KeyFactsFragment;
  /** The audit entry of its revocation; null if there is none. */
  readonly revocation: AuthorshipFragment | null;
}

/** Shows the properties of a key. */
export function KeyFacts({ apiKey, revocation }: KeyFactsProps) {
  const { id, prefix, project, user, allowedAddresses, trustedDocuments, roles, createdBy, createdByName } = apiKey;
  return (
    <Facts>
      {prefix !== '' && (
        <Fact name="Key">
          <Code style={{ whiteSpace: 'nowrap' }}>{prefix}…</Code>
        </Fact>
      )}
      <Fact name="ID">
        <Group gap={6} component="span">
          <Code>{id}</Code>
          <CopyButton value={id}>
            {({ copied, copy }) => (
              <UnstyledButton onClick={copy} fz="xs" td="underline">
                {copied ? 'Copied' : 'Copy'}
              </UnstyledButton>
            )}
          </CopyButton>
        </Group>
      </Fact>
      <Fact name="Type">{kindOf(apiKey)}</Fact>
      <Fact name="Scopes">
        <KeyScopes of={apiKey} />
      </Fact>
      {roles.length > 0 && <Fact name="Roles">{roles.join(', ')}</Fact>}
      <Fact name="Project">{project?.name ?? 'All projects'}</Fact>
      <Fact name="Owner">
        {user === null ? 'The workspace' : user.name}
        {typeof user?.removedAt === 'string' && ' (removed)'}
      </Fact>
      {apiKey.externalId !== null && (
        <Fact name="External ID">
          <Code>{apiKey.externalId}</Code>
        </Fact>
      )}
      <Fact name="Allowed addresses">
        {allowedAddresses.length === 0 ? (
          'Any address'
        ) : (
          <Stack gap={2} component="span">
            {allowedAddresses.map((address) => (
              <Code key={address} w="fit-content">
                {address}
              </Code>
            ))}
          </Stack>
        )}
      </Fact>
      {trustedDocuments !== null && (
        <Fact name="Documents">Only {counted(trustedDocuments.length, 'trusted document')}</Fact>
      )}
      {apiKey.createdAt !== null && (
        <Fact name="Created">
          <Moment at={apiKey.createdAt} />
          {createdBy !== null && (
            <>
              {' by '}
              <Actor id={createdBy} name={createdByName} />
            </>
          )}
        </Fact>
      )}
      <Fact name="Last used">
        {apiKey.lastUsedAt === null ? 'Never' : <Ago at={apiKey.lastUsedAt} />}
        {apiKey.source === 'CREATED' && (
          <Text size="xs" c="dimmed" span>
            {' '}
            ({LAST_USED_DELAY})
          </Text>
        )}
      </Fact>
      <Fact name="Expires">
        {apiKey.expiresAt === null ? (
          'Never'
        ) : (
          <>
            <Moment at={apiKey.expiresAt} />
            {apiKey.revokedAt === null && (
              <>
                {' '}
                (<Ago at={apiKey.expiresAt} />)
              </>
            )}
          </>
        )}
      </Fact>
      {apiKey.revokedAt !== null && (
        <Fact name="Revoked">
          <Moment at={apiKey.revokedAt} />
          {revocation !== null && (
            <>
              {' by '}
              <Actor id={revocation.actor} name={revocation.actorName} />
            </>
          )}
          {apiKey.revokedReason !== null && (
            <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap' }}>
              {apiKey.revokedReason}
            </Text>
          )}
        </Fact>
      )}
    </Facts>
  );
}
