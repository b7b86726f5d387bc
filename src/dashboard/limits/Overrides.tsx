import { Anchor, Badge, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { Link } from 'wouter';
import { usePages } from '../api/usePages.js';
import { OverridesDocument, type LimitSubjectType, type OverrideFragment } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { Moment } from '../parts/Moment.js';
import { choices, count } from '../parts/words.js';
import { Listing } from '../workspace/Listing.js';
import { quotaText } from './quotaText.js';
import { pageOf, TYPES, type Subject } from './subject.js';

const LimitsDialog = lazy(() => import('./LimitsDialog.js'));

const READ = 50;

/** Lists the limits that replace those of the tier, and sets limits of other subjects. */
export function Overrides() {
  const [needed, setNeeded] = useState(READ);
  const [dialog, setDialog] = useState<Subject | 'choose' | null>(null);
  const overrides = usePages(OverridesDocument, {
    of: 'overrides',
    variables: (after) => ({ first: READ, after }),
    pageOf: (data) => data.limitOverrides,
    needed,
  });
  const close = () => setDialog(null);
  return (
    <Listing
      title="Exceptions"
      add="Set limits"
      onAdd={() => setDialog('choose')}
      pages={overrides}
      more={() => setNeeded(overrides.nodes.length + READ)}
      empty="The limits of the tier apply to all keys. You can replace them for one key, owner, project or the workspace, also for a time."
      dialog={
        dialog !== null &&
        (dialog === 'choose' ? (
          <ChooseDialog choose={setDialog} close={close} />
        ) : (
          <Suspense fallback={null}>
            <LimitsDialog
              subjects={[{ label: `${TYPES[dialog.type]} ${dialog.id}`, subject: dialog }]}
              changed={overrides.ask}
              close={close}
            />
          </Suspense>
        ))
      }
    >
      {overrides.nodes.map((override) => (
        <Table.Tr key={`${override.type} ${override.id}`}>
          <Table.Td>
            <Text size="xs" c="dimmed">
              {TYPES[override.type]}
            </Text>
            <SubjectLink override={override} />
          </Table.Td>
          <Table.Td>
            <Stack gap={2}>
              {linesOf(override).map((line) => (
                <Text key={line} size="sm">
                  {line}
                </Text>
              ))}
            </Stack>
          </Table.Td>
          <Table.Td>
            {!override.active && <Badge color="gray">Ended</Badge>}
            <Text size="sm">
              {override.until === null ? 'No end date' : <>Until {<Moment at={override.until} />}</>}
            </Text>
            {override.reason !== null && (
              <Text size="xs" c="dimmed" className="anywhere">
                {override.reason}
              </Text>
            )}
          </Table.Td>
        </Table.Tr>
      ))}
    </Listing>
  );
}

/** Links the limits of a subject. A key is named by the ID of its rotation, which has no page. */
function SubjectLink({ override: { type, id, workspaceId } }: { readonly override: OverrideFragment }) {
  if (type === 'API_KEY') {
    return (
      <Text size="sm" ff="monospace" className="anywhere">
        {id}
      </Text>
    );
  }
  const subject = { type, id, ...(type === 'EXTERNAL_ID' && { workspaceId }) };
  return (
    <Anchor component={Link} href={pageOf(subject)} size="sm" className="anywhere">
      {id}
    </Anchor>
  );
}

function linesOf({ rate, burst, quotas }: OverrideFragment): readonly string[] {
  return [
    ...(rate === null ? [] : [`${count(rate)} requests per minute`]),
    ...(burst === null ? [] : [`${count(burst)} requests per second`]),
    ...(quotas === null ? [] : quotas.length === 0 ? ['No quotas'] : quotas.map(quotaText)),
  ];
}

interface ChooseDialogProps {
  readonly choose: (subject: Subject) => void;
  readonly close: () => void;
}

/** Asks for the subject whose limits are set. */
function ChooseDialog({ choose, close }: ChooseDialogProps) {
  const [type, setType] = useState<LimitSubjectType>('EXTERNAL_ID');
  const [id, setId] = useState('');
  return (
    <ActDialog
      title="Set limits"
      action="Continue"
      close={close}
      disabled={id.trim() === ''}
      acting={false}
      fault={null}
      act={() => choose({ type, id: id.trim() })}
    >
      <Select
        label="Limits of"
        data={choices(TYPES)}
        allowDeselect={false}
        data-autofocus
        value={type}
        onChange={(value) => value !== null && setType(value)}
      />
      <TextInput label="ID" required value={id} onChange={(event) => setId(event.currentTarget.value)} />
    </ActDialog>
  );
}
