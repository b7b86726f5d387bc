import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import type { Limits, Subject } from '../../../src/core/limits/limits.js';
import { BURST_WINDOW, RATE_WINDOW } from '../../../src/core/limits/window.js';
import { Refusal } from '../../../src/core/errors/refusal.js';

/** One request, with times of this machine's monotonic clock. */
export interface Asked {
  readonly process: number;
  readonly sent: number;
  readonly received: number;
  /** `broken`: there was no response, so it may have been admitted. */
  readonly outcome: 'admitted' | 'refused' | 'unavailable' | 'broken';
}

/** Requests one unit from each process repeatedly, several at a time, until it is stopped. */
export function startLoad(all: readonly Limits[], subject: Subject, atOnce = 4, pause = 10): () => Promise<Asked[]> {
  const asked: Asked[] = [];
  let stopped = false;
  const askers = all.flatMap((limits, process) =>
    Array.from({ length: atOnce }, async () => {
      while (!stopped) {
        const sent = performance.now();
        const outcome = await outcomeOf(limits, subject);
        asked.push({ process, sent, received: performance.now(), outcome });
        await delay(pause);
      }
    }),
  );
  return async () => {
    stopped = true;
    await Promise.all(askers);
    return asked.sort((a, b) => a.sent - b.sent);
  };
}

async function outcomeOf(limits: Limits, subject: Subject): Promise<Asked['outcome']> {
  try {
    const { outcome } = await limits.admit(subject);
    return outcome === 'admitted' ? 'admitted' : 'refused';
  } catch (error) {
    if (error instanceof Refusal && error.details.code === 'UNAVAILABLE') return 'unavailable';
    throw error;
  }
}

/**
 * The highest number of requests that were definitely admitted within a window of this length: sent and received within
 * it.
 */
export function most(asked: readonly Asked[], length: number): number {
  const admitted = asked.filter(({ outcome }) => outcome === 'admitted');
  const within = (from: number) => admitted.filter(({ sent, received }) => sent >= from && received < from + length);
  return Math.max(0, ...admitted.map(({ sent }) => within(sent).length));
}

/**
 * Requests sent after a time that were refused although both windows had room for them, whatever the outcome of
 * other requests.
 */
export function wronglyRefused(
  asked: readonly Asked[],
  { rate, burst }: { readonly rate: number; readonly burst: number },
  from: number,
): Asked[] {
  const admitted = asked.filter(({ outcome }) => outcome === 'admitted' || outcome === 'broken');
  // One millisecond, because Redis uses whole ones, and three for the tolerance of its clock.
  const used = (one: Asked, length: number): number =>
    admitted.filter(({ sent, received }) => received > one.sent - length - 4 && sent < one.received).length;
  return asked.filter(
    (one) =>
      one.outcome !== 'admitted' && one.sent > from && used(one, RATE_WINDOW) < rate && used(one, BURST_WINDOW) < burst,
  );
}
