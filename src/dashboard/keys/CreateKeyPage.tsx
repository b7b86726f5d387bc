import { Page } from '../shell/Page.js';
import { useAsk } from '../api/useAsk.js';
import { NewKeyDocument } from '../generated/graphql.js';
import { Asking } from '../parts/Asking.js';
import { CreateKeyForm } from './CreateKeyForm.js';

/** Creates a key. */
export default function CreateKeyPage() {
  const asked = useAsk(NewKeyDocument, {}, { requestPolicy: 'cache-first' });
  return (
    <Page title="Create API key">
      <Asking asked={asked}>
        {({ scopes, projects, users }) => (
          <CreateKeyForm listings={scopes} projects={projects?.nodes ?? []} users={users?.nodes ?? []} />
        )}
      </Asking>
    </Page>
  );
}
