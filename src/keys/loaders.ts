import DataLoader from 'dataloader';
import type { WorkspaceRecord } from '../store/records.js';
import type { Actor, ActorContext } from './actor.js';
import type { KeyService } from './service.js';

/** Workspaces by id, for the caller of a context; see {@link KeyService.workspace}. */
export type WorkspaceLoader = (context: ActorContext, id: string) => Promise<WorkspaceRecord>;

/**
 * Gathers what the resolvers of one request ask for at once: a page of keys reads its workspace once. Nothing is
 * remembered, for of several mutations in one request a later one may change the tier that an earlier one was told.
 */
export function workspaceLoader(keys: Pick<KeyService, 'workspace'>): WorkspaceLoader {
  // By the context object, which lives as long as its request does: what is read for one caller is never shown to another.
  const loaders = new WeakMap<ActorContext, DataLoader<string, WorkspaceRecord>>();
  return (context, id) => {
    let loader = loaders.get(context);
    if (loader === undefined) loaders.set(context, (loader = makeLoader(keys, context.principal)));
    return loader.load(id);
  };
}

function makeLoader(keys: Pick<KeyService, 'workspace'>, actor: Actor): DataLoader<string, WorkspaceRecord> {
  const read = (id: string) => keys.workspace(actor, id).catch((error: unknown) => error as Error);
  return new DataLoader(
    async (ids) => {
      const reads = new Map([...new Set(ids)].map((id) => [id, read(id)]));
      return Promise.all(ids.map((id) => reads.get(id) ?? read(id)));
    },
    { cache: false },
  );
}
