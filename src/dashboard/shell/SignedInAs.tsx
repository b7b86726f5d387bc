import { Text } from '@mantine/core';
import { useQuery } from 'urql';
import { ViewerDocument } from '../generated/graphql.js';

/** Shows the workspace and the name of the credential. */
export function SignedInAs() {
  const [{ data }] = useQuery({ query: ViewerDocument });
  if (data?.viewer == null) return null;
  const { workspace, credential } = data.viewer;
  return (
    <Text size="sm" c="dimmed" truncate visibleFrom="xs" maw={420}>
      {workspace.name} · {credential.apiKey?.name ?? credential.id}
    </Text>
  );
}
