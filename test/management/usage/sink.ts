import { authenticated, type AuthenticatedPrincipal } from '../../../src/core/auth/principal.js';
import type { UsageAddition } from '../../../src/core/store/records.js';
import type { UsageLogOptions } from '../../../src/management/usage/usageLog.js';

type Sums = readonly [requests: number, cost: number, limited: number, forbidden: number];

/** A store that records its input and fails on request. */
export class Sink {
  readonly touches: Record<string, number>[] = [];
  readonly additions: (readonly UsageAddition[])[] = [];
  /** The IDs of the batches. */
  readonly ids: string[] = [];
  running = 0;
  mostRunning = 0;
  onTouch: () => Promise<void> = () => Promise.resolve();
  onAdd: () => Promise<void> = () => Promise.resolve();

  readonly store: UsageLogOptions['store'] = {
    keys: {
      touch: (uses) => {
        this.touches.push(Object.fromEntries(uses));
        return this.#run(this.onTouch);
      },
    },
    usage: {
      add: ({ id, additions }) => {
        this.ids.push(id);
        this.additions.push(additions);
        return this.#run(this.onAdd);
      },
    },
  };

  /** Returns the counts of one addition, by key and minute. Default: the latest addition. */
  sums(nth = -1): Record<string, Sums> {
    const rows = this.additions.at(nth) ?? [];
    return Object.fromEntries(
      rows.map(({ keyId, start, requests, cost, limited, forbidden }) => [
        `${keyId} ${start}`,
        [requests, cost, limited, forbidden],
      ]),
    );
  }

  /** Returns the fields of all additions, by key and minute. */
  fields(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      this.additions
        .flat()
        .flatMap(({ keyId, start, fields }) =>
          fields === undefined ? [] : [[`${keyId} ${start}`, Object.fromEntries(fields)]],
        ),
    );
  }

  async #run(behave: () => Promise<void>): Promise<void> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      await behave();
    } finally {
      this.running -= 1;
    }
  }
}

export function aPrincipal(keyId: string, kind: 'key' | 'operator' = 'key'): AuthenticatedPrincipal {
  return authenticated({
    kind,
    keyId,
    familyId: keyId,
    workspaceId: 'ws',
    projectId: null,
    userId: null,
    tier: 'STARTER',
    keyType: 'SECRET',
    scopes: [],
  });
}
