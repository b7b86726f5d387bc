import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let second = 0;

/** This moment in ms since the epoch, to the second. All that looks at it looks at one clock. */
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
  // Between two seconds it is the same, or React would never be done.
  if (Math.abs(now - second) >= 1_000) second = now;
  return second;
}
