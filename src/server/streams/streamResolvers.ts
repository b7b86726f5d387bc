import type { Actor, ActorContext } from '../../core/keys/actor.js';
import type { AnyKey } from '../../core/keys/configured.js';
import type { KeyEvent, QuotaUse } from '../../core/keys/keyEvent.js';
import { nameOfKey } from '../../core/keys/names.js';
import type { KeyService } from '../../core/keys/keyService.js';
import type { EventBus } from './bus.js';
import { keyTopic } from './streamEvent.js';

interface StreamResolverOptions {
  readonly bus: EventBus;
  readonly keys: Pick<KeyService, 'findMany'>;
}

/** The resolvers of the stream of key events, and of the fields of its events. */
export function streamResolvers({ bus, keys }: StreamResolverOptions) {
  // Keyed by the context of the event and then by ID, so that an event reads its key and its actor only once, whatever the number of
  // aliases.
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
      keyEvents: {
        subscribe: (_: unknown, __: unknown, { principal }: ActorContext) =>
          bus.listen(keyTopic(principal.workspaceId), (event) => mayKnow(principal, event as KeyEvent)),
        resolve: (event: KeyEvent) => event,
      },
    },
    KeyEvent: {
      apiKey: ({ keyId }: KeyEvent, _: unknown, context: ActorContext) => keyOf(context, keyId),
      actorName: ({ actor, workspaceId }: KeyEvent, _: unknown, context: ActorContext) =>
        nameOfKey(context, actor, workspaceId, keyOf),
      quota: ({ quota }: KeyEvent) => quota && inCapitals(quota),
    },
  };
}

/** Returns a quota with the names that the schema gives to its values. */
function inCapitals(quota: QuotaUse) {
  const { window, unit, subject } = quota;
  return { ...quota, window: window.toUpperCase(), unit: unit.toUpperCase(), subject: subject.toUpperCase() };
}
