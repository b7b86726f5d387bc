import { Anchor, Code, CopyButton, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import { Link } from 'wouter';
import type { KeyFactsFragment } from '../generated/graphql.js';
import { Fact, Facts } from '../parts/Facts.js';
import { Ago, Moment } from '../parts/Moment.js';
import { counted } from '../parts/words.js';
import { kindOf, Scopes } from './badges.js';

/** What the key is. */
export function KeyFacts({ apiKey }: { readonly apiKey: KeyFactsFragment }) {
  const { id, prefix, scopes, project, user, allowedAddresses, trustedDocuments, roles, createdBy } = apiKey;
  return (
    <Facts>
      {prefix !== '' && (
        <Fact name="Key">
          <Code style={{ whiteSpace: 'nowrap' }}>{prefix}…</Code>
        </Fact>
      )}
      <Fact name="Id">
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
        <Scopes scopes={scopes} />
      </Fact>
      {roles.length > 0 && <Fact name="Roles">{roles.join(', ')}</Fact>}
      <Fact name="Project">{project?.name ?? 'All of the workspace'}</Fact>
      <Fact name="Belongs to">
        {user === null ? 'The workspace' : user.name}
        {typeof user?.removedAt === 'string' && ', who has left'}
      </Fact>
      <Fact name="Let in from">
        {allowedAddresses.length === 0 ? (
          'Everywhere'
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
        <Fact name="Runs">{counted(trustedDocuments.length, 'document')} and no others</Fact>
      )}
      {apiKey.createdAt !== null && (
        <Fact name="Created">
          <Moment at={apiKey.createdAt} />
          {createdBy !== null && (
            <>
              {' by '}
              <Actor id={createdBy} />
            </>
          )}
        </Fact>
      )}
      <Fact name="Last used">{apiKey.lastUsedAt === null ? 'Never' : <Ago at={apiKey.lastUsedAt} />}</Fact>
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

/** Who did something: a key is led to, others have no page. */
export function Actor({ id }: { readonly id: string }) {
  if (!id.startsWith('key_')) return <>{id}</>;
  return (
    <Anchor component={Link} href={`/keys/${id}`} size="sm" ff="monospace">
      {id}
    </Anchor>
  );
}
