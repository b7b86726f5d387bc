import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let second = 0;

/** Returns the current time in ms since the epoch, in whole seconds. All components share one clock. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function current(): number {
  const now = Date.now();
  // The value must not change between two seconds, or React would render endlessly.
  if (Math.abs(now - second) >= 1_000) second = now;
  return second;
}
