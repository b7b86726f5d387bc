import { Button, Group, Stack, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useAsk } from '../api/useAsk.js';
import { LimitsOfDocument, type LimitsOfQuery } from '../generated/graphql.js';
import { Asking, Empty } from '../parts/Asking.js';
import { Actor } from '../parts/Actor.js';
import { Moment } from '../parts/Moment.js';
import { tierLabel } from '../parts/words.js';
import { CreditsRow, QuotaRow, WindowRow } from './Rows.js';
import { quotaText } from './quotaText.js';
import type { Subject } from './subject.js';

const AddCreditsDialog = lazy(() => import('./AddCreditsDialog.js'));
const LimitsDialog = lazy(() => import('./LimitsDialog.js'));

type Limits = NonNullable<LimitsOfQuery['limitsOf']>;

interface SubjectLimitsProps {
  readonly subject: Subject;
  /** The name of the subject, for dialogs. */
  readonly label: string;
  /** Whether the viewer can change limits and add credits. */
  readonly canChange: boolean;
}

/** Shows the limits, quotas and credits that the keys of a subject share, and what remains of them. */
export function SubjectLimits({ subject, label, canChange }: SubjectLimitsProps) {
  const asked = useAsk(LimitsOfDocument, { subject });
  return (
    <Asking asked={asked}>
      {({ limitsOf }) =>
        limitsOf === null ? (
          <Empty title="Not found">There is no such owner, project or workspace, or you can’t access it.</Empty>
        ) : (
          <Stack gap="md">
            <Rows limits={limitsOf} />
            {limitsOf.override !== null && <Override override={limitsOf.override} />}
            {canChange && (
              <Actions subject={subject} label={label} hasCredits={limitsOf.credits !== null} changed={asked.ask} />
            )}
          </Stack>
        )
      }
    </Asking>
  );
}

function Rows({ limits: { tier, rate, burst, quotas, credits } }: { readonly limits: Limits }) {
  return (
    <>
      {rate === null && burst === null && quotas.length === 0 && credits === null ? (
        <Text size="sm" c="dimmed">
          The {tierLabel(tier)} tier limits each key by itself, and not all keys together.
        </Text>
      ) : (
        <Text size="sm" c="dimmed">
          Limits of the {tierLabel(tier)} tier for all keys together.
        </Text>
      )}
      {rate !== null && <WindowRow name="Per minute" window={rate} />}
      {burst !== null && <WindowRow name="Per second" window={burst} />}
      {quotas.map((quota) => (
        <QuotaRow key={`${quota.window} ${quota.unit}`} quota={quota} name={`Per ${quota.window.toLowerCase()}`} />
      ))}
      {credits !== null && <CreditsRow credits={credits} name="Credits" />}
    </>
  );
}

/** Says who replaced the limits of the tier, why, and until when. */
function Override({ override }: { readonly override: NonNullable<Limits['override']> }) {
  const { quotas, until, active, reason, setBy, setAt } = override;
  return (
    <Stack gap={2}>
      <Text size="sm">
        {active ? 'Limits were set' : 'Limits were set, and have ended.'}
        {active && until !== null && (
          <>
            {' until '}
            <Moment at={until} />
          </>
        )}
        {active && '.'}
      </Text>
      {quotas !== null && (
        <Text size="xs" c="dimmed">
          {quotas.length === 0 ? 'No quotas' : `Quotas: ${quotas.map(quotaText).join('; ')}`}
        </Text>
      )}
      {reason !== null && (
        <Text size="xs" c="dimmed" className="anywhere">
          Reason: {reason}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        Set on <Moment at={setAt} />
        {setBy !== null && (
          <>
            {' by '}
            <Actor id={setBy} name={null} />
          </>
        )}
      </Text>
    </Stack>
  );
}

interface ActionsProps extends Omit<SubjectLimitsProps, 'canChange'> {
  readonly hasCredits: boolean;
  readonly changed: () => void;
}

/** Opens the dialogs that set limits and add credits. */
function Actions({ subject, label, hasCredits, changed }: ActionsProps) {
  const [dialog, setDialog] = useState<'limits' | 'credits' | null>(null);
  const close = () => setDialog(null);
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => setDialog('limits')}>
        Set limits
      </Button>
      {hasCredits && (
        <Button variant="default" onClick={() => setDialog('credits')}>
          Add credits
        </Button>
      )}
      <Suspense fallback={null}>
        {dialog === 'limits' && <LimitsDialog subjects={[{ label, subject }]} changed={changed} close={close} />}
        {dialog === 'credits' && <AddCreditsDialog subject={subject} label={label} changed={changed} close={close} />}
      </Suspense>
    </Group>
  );
}
