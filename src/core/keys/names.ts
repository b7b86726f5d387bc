import type { ActorContext } from './actor.js';
import type { AnyKey } from './configured.js';

const KEY_ID = /^(?:key|conf)_/;

/**
 * Returns the name of a key in the caller's workspace.
 *
 * @param id the ID of any credential, such as `key_…`, `conf_…` or `operator`
 * @param workspaceId the workspace of the record that names the credential
 * @param find returns a key that the caller can see
 * @returns null if the ID is not that of a key, or the caller cannot see the key
 */
export async function nameOfKey(
  context: ActorContext,
  id: string | null,
  workspaceId: string,
  find: (context: ActorContext, id: string) => Promise<AnyKey | null>,
): Promise<string | null> {
  if (id === null || !KEY_ID.test(id) || workspaceId !== context.principal.workspaceId) return null;
  const key = await find(context, id);
  return key?.workspaceId === workspaceId ? key.name : null;
}
