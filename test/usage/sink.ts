import { authenticated, type AuthenticatedPrincipal } from '../../src/credentials/principal.js';
import type { UsageRecord } from '../../src/store/records.js';
import type { UsageLogOptions } from '../../src/usage/log.js';

type Sums = readonly [requests: number, limited: number, forbidden: number];

/** A store that keeps what it was given, and does as it is told. */
export class Sink {
  readonly touches: Record<string, number>[] = [];
  readonly additions: (readonly UsageRecord[])[] = [];
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
      add: (counts) => {
        this.additions.push(counts);
        return this.#run(this.onAdd);
      },
    },
  };

  /** The counts of one addition, by key and hour; the latest where `nth` is left out. */
  sums(nth = -1): Record<string, Sums> {
    const rows = this.additions.at(nth) ?? [];
    return Object.fromEntries(
      rows.map(({ keyId, start, requests, limited, forbidden }) => [
        `${keyId} ${start}`,
        [requests, limited, forbidden],
      ]),
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
