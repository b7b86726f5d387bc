import type { AuthenticatedPrincipal } from '../core/auth/principal.js';
import { KeyWatch } from '../core/auth/watch.js';
import { EndedKeys } from '../core/keys/ended.js';
import { keyEvent } from '../core/keys/keyEvent.js';
import { SentInClear } from '../management/audit/clear.js';
import { GatheredEntries } from '../management/audit/gathered.js';
import { Refusals } from '../management/audit/refusals.js';
import { UsageLog } from '../management/usage/usageLog.js';
import { Verdicts } from '../management/verdicts.js';
import type { Foundation } from './foundation.js';

/** The recorders of requests: usage, refusals, keys sent over plain HTTP, and events of use. */
export interface Accounts {
  readonly usage: UsageLog;
  readonly refusals: Refusals;
  readonly sentInClear: SentInClear;
  readonly gathered: GatheredEntries;
  readonly verdicts: Verdicts;
  /** Reports the first use of a key, and uses from new addresses, while there is a listener for events. */
  readonly watch: Pick<KeyWatch, 'used'>;
}

export function openAccounts(foundation: Foundation): Accounts {
  const { store, now, callbacks, observer, keyEvents, started } = foundation;
  const usage = openUsage(foundation);
  started.push(() => usage.close());
  const refusals = new Refusals(now);
  const recording = {
    usage: callbacks.containAll('usage', usage, ['admitted', 'costed', 'refused']),
    refusals: callbacks.containAll('refusals', refusals, ['key']),
  };
  const sentInClear = new SentInClear(now);
  const watch = new KeyWatch(keyEvents.tell);
  const gathered = new GatheredEntries(store.audit, [sentInClear, refusals]);
  started.push(() => gathered.close());
  return {
    ...{ usage, refusals, sentInClear, gathered },
    verdicts: new Verdicts({ ...recording, observer }),
    watch: {
      used(...given) {
        if (keyEvents.areHeard) watch.used(...given);
      },
    },
  };
}

function openUsage({ store, now, keyEvents }: Foundation): UsageLog {
  const onLimited = ({ keyId: id, workspaceId, projectId }: AuthenticatedPrincipal): void => {
    if (keyEvents.areHeard) keyEvents.tell(keyEvent('LIMITED', { id, workspaceId, projectId }, now()));
  };
  return new UsageLog({ store, now, onLimited });
}

/** Starts the hourly removal of ended keys; null if they are kept forever. */
export function openEndedKeys({ options, store, now, callbacks }: Foundation): EndedKeys | null {
  const { keepEndedKeys: keep = null } = options;
  const onPass = options.onEndedKeysRemoved && callbacks.contain('onEndedKeysRemoved', options.onEndedKeysRemoved);
  return keep === null ? null : new EndedKeys({ keys: store.keys, keep, now, ...(onPass && { onPass }) });
}
