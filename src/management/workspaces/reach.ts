import type { Actor } from '../../core/keys/actor.js';
import { Refusal } from '../../core/errors/refusal.js';

/**
 * Checks that the actor has access to the whole workspace, which a key of a project has not.
 *
 * @throws {@link Refusal} FORBIDDEN
 */
export function assertReachesAll(actor: Pick<Actor, 'projectId'>): void {
  if (actor.projectId === null) return;
  throw new Refusal(
    'Your key belongs to a project, and this operation concerns the whole workspace. Use a key that does not belong to a project.',
    {
      code: 'FORBIDDEN',
      missing: [],
      fields: [],
    },
  );
}
