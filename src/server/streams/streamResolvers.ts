import type { AssetSummary } from '../../core/store/records.js';
import type { Actor, ActorContext } from '../../core/keys/actor.js';
import type { AnyKey } from '../../core/keys/configured.js';
import type { KeyEvent } from '../../core/keys/keyEvent.js';
import { nameOfKey } from '../../core/keys/names.js';
import type { KeyService } from '../../core/keys/keyService.js';
import type { EventBus } from './bus.js';
import type { AlertEvent, AssetEvent } from './streamEvent.js';

interface StreamResolverOptions {
  readonly bus: EventBus;
  readonly keys: Pick<KeyService, 'findMany'>;
  /**
   * Returns the project of the argument, or the caller's own for null.
   *
   * @throws {@link Refusal} NOT_FOUND for a project that the caller has no access to
   */
  readonly reached: (context: ActorContext, project: string | null | undefined) => Promise<string>;
  /** @throws {@link Refusal} BAD_USER_INPUT */
  readonly checkName: (name: string, path: readonly string[]) => string;
  readonly findAsset: (projectId: string, name: string) => Promise<AssetSummary | null>;
}

interface AssetArguments {
  readonly name?: string | null;
  readonly project?: string | null;
}

/** The resolvers of subscriptions: the topic of each, and the fields of its events. */
export function streamResolvers({ bus, keys, reached, checkName, findAsset }: StreamResolverOptions) {
  // By the event object, which all streams of this process share, so that they share one read.
  const assets = new WeakMap<AssetEvent, Promise<AssetSummary | null>>();
  const assetOf = (event: AssetEvent): Promise<AssetSummary | null> => {
    let asset = assets.get(event);
    if (asset === undefined) assets.set(event, (asset = findAsset(event.projectId, event.name)));
    return asset;
  };
  // By the context of the event and then by id, so that an event reads its key and its actor once each, under any
  // number of aliases.
  const keysOf = new WeakMap<ActorContext, Map<string, Promise<AnyKey | null>>>();
  const findKey = async ({ principal }: ActorContext, keyId: string): Promise<AnyKey | null> =>
    (await keys.findMany(principal, [keyId])).get(keyId) ?? null;
  const keyOf = (context: ActorContext, keyId: string): Promise<AnyKey | null> => {
    let known = keysOf.get(context);
    if (known === undefined) keysOf.set(context, (known = new Map<string, Promise<AnyKey | null>>()));
    let key = known.get(keyId);
    if (key === undefined) known.set(keyId, (key = findKey(context, keyId)));
    return key;
  };
  const mayKnow = ({ projectId }: Actor, event: KeyEvent): boolean =>
    projectId === null || event.projectId === projectId;

  return {
    Subscription: {
      assetChanged: {
        subscribe: async (_: unknown, { name, project }: AssetArguments, context: ActorContext) => {
          const wanted = name == null ? null : checkName(name, ['name']);
          const projectId = await reached(context, project);
          return bus.listen(`asset ${projectId}`, (event) => wanted === null || (event as AssetEvent).name === wanted);
        },
        resolve: (event: AssetEvent) => assetOf(event),
      },
      alertOpened: {
        subscribe: async (_: unknown, { project }: AssetArguments, context: ActorContext) =>
          bus.listen(`alert ${await reached(context, project)}`),
        resolve: ({ alert }: AlertEvent) => alert,
      },
      keyEvents: {
        subscribe: (_: unknown, __: unknown, { principal }: ActorContext) =>
          bus.listen(`key ${principal.workspaceId}`, (event) => mayKnow(principal, event as KeyEvent)),
        resolve: (event: KeyEvent) => event,
      },
    },
    KeyEvent: {
      apiKey: ({ keyId }: KeyEvent, _: unknown, context: ActorContext) => keyOf(context, keyId),
      actorName: ({ actor, workspaceId }: KeyEvent, _: unknown, context: ActorContext) =>
        nameOfKey(context, actor, workspaceId, keyOf),
    },
  };
}
