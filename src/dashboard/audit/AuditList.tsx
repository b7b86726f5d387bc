import { Badge, Box, Code, Group, Paper, Stack, Text } from '@mantine/core';
import type { AuditAction, AuditRowFragment } from '../generated/graphql.js';
import { Actor, Id, KeyLink } from '../parts/Actor.js';
import { Moment } from '../parts/Moment.js';
import { ACTIONS } from '../parts/words.js';
import { differences, type Difference } from './differences.js';

const COLORS: Readonly<Partial<Record<AuditAction, string>>> = {
  KEY_CREATED: 'pine',
  KEY_REVOKED: 'red',
  USER_REMOVED: 'red',
  KEY_REFUSED: 'orange',
  CREDENTIAL_REFUSED: 'orange',
  KEY_SENT_IN_CLEAR: 'red',
};

/** Lists entries of the audit log, each with the fields that it changed. */
export function AuditList({ entries }: { readonly entries: readonly AuditRowFragment[] }) {
  return (
    <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Entries">
      {entries.map((entry) => (
        <Paper component="li" key={entry.id} withBorder px="md" py="sm">
          <Entry entry={entry} />
        </Paper>
      ))}
    </Stack>
  );
}

function Entry({ entry }: { readonly entry: AuditRowFragment }) {
  const { seq, at, action, subject, subjectName, address, userAgent, before, after, projectId, hash } = entry;
  const names = new Map(entry.names.map(({ id, name }) => [id, name]));
  const project = projectId === null ? undefined : names.get(projectId);
  const changes = differences(before, after, names);
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="4px 12px">
        <Group gap="xs">
          <Badge color={COLORS[action] ?? 'gray'}>{ACTIONS[action]}</Badge>
          <Subject id={subject} name={subjectName ?? nameIn(after) ?? nameIn(before)} />
        </Group>
        <Text size="sm" c="dimmed">
          <Moment at={at} />
        </Text>
      </Group>
      <Text size="sm" c="dimmed" className="anywhere">
        {project !== undefined && `in the project ${project} `}by <Author entry={entry} />
        {address !== null && ` from ${address}`}
        {userAgent !== null && (
          <Text span size="sm" c="dimmed" title={userAgent}>
            {' '}
            using {userAgent.split(' ')[0]}
          </Text>
        )}
      </Text>
      {changes.length > 0 && (
        <Box component="details">
          <Text component="summary" size="sm" style={{ cursor: 'pointer' }} className="anywhere">
            {changes.map(({ field }) => field).join(', ')}
          </Text>
          <dl className="changes">
            {changes.map((change) => (
              <Change key={change.field} change={change} />
            ))}
          </dl>
          <Text size="xs" c="dimmed" className="anywhere" mt={6}>
            Entry {seq} · hash <Code fz={11}>{hash}</Code>
          </Text>
        </Box>
      )}
    </Stack>
  );
}

/** Shows the words "added" and "removed" too: colour alone is not accessible. */
function Change({ change: { field, before, after, items, id } }: { readonly change: Difference }) {
  return (
    <div>
      <dt>{field}</dt>
      {items === null ? (
        <dd>
          {before !== null && <del>{before}</del>}
          {before !== null && (after === null ? ' removed' : ' → ')}
          {after !== null && (
            <ins title={id}>{id?.startsWith('key_') === true ? <KeyLink id={id} name={after} inText /> : after}</ins>
          )}
        </dd>
      ) : (
        <dd>
          {items.added.length > 0 && (
            <div>
              added <ins>{items.added.join(', ')}</ins>
            </div>
          )}
          {items.removed.length > 0 && (
            <div>
              removed <del>{items.removed.join(', ')}</del>
            </div>
          )}
        </dd>
      )}
    </div>
  );
}

function Subject({ id, name }: { readonly id: string; readonly name: string | null }) {
  return (
    <>
      {id.startsWith('key_') && <KeyLink id={id} name={name} />}
      {!id.startsWith('key_') && name !== null && (
        <Text size="sm" className="anywhere">
          {name}
        </Text>
      )}
      {(name !== null || !id.startsWith('key_')) && <Id id={id} />}
    </>
  );
}

/** Returns the name of the subject in the entry itself: something removed has no current name. */
function nameIn(state: unknown): string | null {
  const { name } = { name: null, ...(state as object | null) };
  return typeof name === 'string' ? name : null;
}

function Author({ entry: { actor, actorKind, actorName } }: { readonly entry: AuditRowFragment }) {
  if (actorKind === 'SYSTEM') return 'Latchkey';
  if (actorKind === 'OPERATOR') return 'the operator';
  return actor === null ? 'an unknown caller' : <Actor id={actor} name={actorName} />;
}
