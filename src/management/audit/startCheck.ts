import type { Store } from '../../core/store/store.js';
import { checkHead } from './verifyAudit.js';

/** The maximum number of workspaces that a start checks, oldest first. Each takes two reads. */
const MAX_WORKSPACES = 100;

/**
 * Compares the stored head of each workspace's audit log with its entry, within the time limit of a start.
 * @param complain called for each workspace whose log doesn't reach its head
 */
export async function checkHeads(
  { audit, workspaces }: Pick<Store, 'audit' | 'workspaces'>,
  complain: (message: string) => void,
): Promise<void> {
  for (const { id } of await workspaces.list(MAX_WORKSPACES)) {
    const fault = await checkHead(audit, id);
    if (fault === null) continue;
    const what =
      fault.outcome === 'headless'
        ? 'its stored head is missing'
        : `its newest entry, ${fault.seq}, is ${fault.outcome}`;
    complain(
      `The audit log of the workspace ${id} was changed outside of Latchkey: ${what}. Run \`latchkey audit verify\` and compare it with a head that you noted.`,
    );
  }
}
