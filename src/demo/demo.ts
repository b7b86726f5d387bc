import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import { failingClosed } from '../management/schema/failingClosed.js';
import { assetStreams, type Listen } from './assets/assetStreams.js';
import { assetResolvers, type ProjectFinder } from './assets/resolvers.js';
import { AssetService, type AssetNews } from './assets/service.js';
import { eventResolvers } from './events/resolvers.js';
import { EventService } from './events/service.js';
import type { DemoStore } from './store/demoStore.js';

interface DemoOptions {
  readonly store: DemoStore;
  /** Returns ms since the epoch. */
  readonly now: () => number;
  /** Returns a project that the caller can access. */
  readonly project: ProjectFinder;
  /** The limits of a response, which also limit reads. */
  readonly limits: AnswerLimits;
  /** Sends an event to the streams of all processes. */
  readonly publish: (news: AssetNews) => void;
  readonly listen: Listen;
}

/** The built-in domain: data assets, their alerts, and events of clients. */
export interface Demo {
  readonly store: DemoStore;
  readonly assets: AssetService;
  /** The resolvers of its SDL, in parts that may have the same types. */
  readonly resolvers: readonly Readonly<Record<string, object>>[];
}

/** Creates the built-in domain of the service. */
export function createDemo({ store, now, project, limits, publish, listen }: DemoOptions): Demo {
  const assets = new AssetService(store.assets, now, publish);
  const events = new EventService(store.events, assets, now);
  const parts: readonly Readonly<Record<string, object>>[] = [
    { ...assetResolvers({ service: assets, project, limits }) },
    assetStreams({ service: assets, project, listen }),
    eventResolvers({ service: events, project }),
  ];
  return { store, assets, resolvers: parts.map(failingClosed) };
}
