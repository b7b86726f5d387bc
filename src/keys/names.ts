import type { ActorContext } from './actor.js';
import type { AnyKey } from './configured.js';

const KEY_ID = /^(?:key|conf)_/;

/**
 * Returns the name of a key of the caller's own workspace.
 *
 * @param id the id of any credential, such as `key_…`, `conf_…` or `operator`
 * @param workspaceId the workspace of the record that names the credential
 * @param find returns a key that the caller can see
 * @returns null if it is no key, or the caller cannot see it
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
