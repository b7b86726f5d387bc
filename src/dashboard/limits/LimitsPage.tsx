import { Anchor } from '@mantine/core';
import { Link, useSearchParams } from 'wouter';
import { useAsk } from '../api/useAsk.js';
import { LimitsPageDocument, type LimitsPageQuery, type LimitSubjectType } from '../generated/graphql.js';
import { Asking, Empty } from '../parts/Asking.js';
import { Part } from '../parts/Part.js';
import { Page } from '../shell/Page.js';
import { SubjectLimits } from './SubjectLimits.js';
import { TYPES, type Subject } from './subject.js';

/** Shows the limits, quotas and credits of one subject, which the address names. */
export default function LimitsPage() {
  const [params] = useSearchParams();
  const subject = subjectIn(params);
  if (subject === null) {
    return (
      <Page title="Limits not found">
        <Empty title="This page needs an owner, a project or a workspace">
          <Anchor component={Link} href="/workspace">
            Show the workspace
          </Anchor>
        </Empty>
      </Page>
    );
  }
  return <OfSubject key={JSON.stringify(subject)} subject={subject} />;
}

function OfSubject({ subject }: { readonly subject: Subject }) {
  const { type, id } = subject;
  const asked = useAsk(LimitsPageDocument, {
    ...{ subject, id, isProject: type === 'PROJECT', isUser: type === 'USER' },
  });
  const name = nameIn(asked.data) ?? id;
  return (
    <Page
      title={`Limits of ${name}`}
      above={
        <Anchor component={Link} href="/workspace" size="sm">
          Workspace
        </Anchor>
      }
    >
      <Asking asked={asked}>
        {({ viewer, limitsOf }) => (
          <Part title={limitsOf === null ? 'Limits' : TITLES[limitsOf.type]}>
            <SubjectLimits
              subject={limitsOf === null ? subject : currentOf(subject, limitsOf)}
              label={`All keys of ${name}`}
              canChange={viewer?.scopes.includes('platform') === true}
            />
          </Part>
        )}
      </Asking>
    </Page>
  );
}

const TITLES: Readonly<Record<LimitSubjectType, string>> = {
  API_KEY: 'This key',
  USER: 'All keys of the user',
  EXTERNAL_ID: 'All keys of the owner',
  PROJECT: 'All keys of the project',
  WORKSPACE: 'All keys of the workspace',
};

/** Returns the subject whose limits apply. For a user with an external ID, this is the external ID. */
function currentOf(subject: Subject, { type, id, workspaceId }: NonNullable<LimitsPageQuery['limitsOf']>): Subject {
  return type === 'EXTERNAL_ID' ? { type, id, workspaceId } : subject;
}

function nameIn(data: LimitsPageQuery | null): string | null {
  return data?.project?.name ?? data?.user?.name ?? null;
}

/** Returns the subject in an address; null if it has none. */
function subjectIn(params: URLSearchParams): Subject | null {
  const [type, id, workspaceId] = ['type', 'id', 'workspace'].map((name) => params.get(name));
  if (type == null || id == null || id === '' || !Object.hasOwn(TYPES, type)) return null;
  return { type: type as LimitSubjectType, id, ...(workspaceId != null && { workspaceId }) };
}
