import type { Actor } from '../keys/actor.js';
import { Refusal } from '../refusals/refusal.js';

/** What concerns the whole workspace is not for a key that is bound to one of its projects. @throws Refusal FORBIDDEN */
export function assertReachesAll(actor: Pick<Actor, 'projectId'>): void {
  if (actor.projectId === null) return;
  throw new Refusal(
    'Your key is bound to a project, and this concerns the whole workspace. Use a key that is not bound.',
    {
      code: 'FORBIDDEN',
      missing: [],
      fields: [],
    },
  );
}
