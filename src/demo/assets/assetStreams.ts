import type { AssetSummary } from '../store/demoRecords.js';
import { alertTopic, assetTopic, type AlertEvent, type AssetEvent } from './assetEvents.js';
import { checkName } from './input.js';
import { reached, type AssetContext, type ProjectFinder } from './resolvers.js';
import type { AssetService } from './service.js';

/**
 * Returns the events of a topic from now on.
 *
 * @param wanted returns whether an event may take a place in the queue. Default: all may
 */
export type Listen = (topic: string, wanted?: (event: { readonly kind: string }) => boolean) => AsyncIterable<unknown>;

interface AssetStreamOptions {
  readonly service: Pick<AssetService, 'findMany'>;
  readonly project: ProjectFinder;
  readonly listen: Listen;
}

interface AssetChangedArguments {
  readonly name?: string | null;
  readonly project?: string | null;
}

/** The resolvers of the streams of assets and alerts. */
export function assetStreams({ service, project, listen }: AssetStreamOptions) {
  const findAsset = async ({ projectId, name }: AssetEvent): Promise<AssetSummary | null> =>
    (await service.findMany(projectId, [name]))[0] ?? null;
  // By the event object, which all streams of this process share, so that they share one read.
  const assets = new WeakMap<AssetEvent, Promise<AssetSummary | null>>();
  const assetOf = (event: AssetEvent): Promise<AssetSummary | null> => {
    let asset = assets.get(event);
    if (asset === undefined) assets.set(event, (asset = findAsset(event)));
    return asset;
  };
  return {
    Subscription: {
      assetChanged: {
        subscribe: async (
          _: unknown,
          { name, project: projectArgument }: AssetChangedArguments,
          context: AssetContext,
        ) => {
          const wanted = name == null ? null : checkName(name, ['name']);
          const projectId = await reached(project, context, projectArgument);
          return listen(assetTopic(projectId), (event) => wanted === null || (event as AssetEvent).name === wanted);
        },
        resolve: (event: AssetEvent) => assetOf(event),
      },
      alertOpened: {
        subscribe: async (_: unknown, { project: projectArgument }: AssetChangedArguments, context: AssetContext) =>
          listen(alertTopic(await reached(project, context, projectArgument))),
        resolve: ({ alert }: AlertEvent) => alert,
      },
    },
  };
}
