/** The longest time that a timer can wait, in ms. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** The callbacks of each signal. */
const heard = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted, or immediately if it already is. Adds a single listener per signal: thousands
 * of requests may share one, and Node warns of a leak from the eleventh listener.
 *
 * @returns a function that removes the callback
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  if (signal.aborted) {
    call();
    return () => undefined;
  }
  let calls = heard.get(signal);
  if (calls === undefined) {
    const all = (calls = new Set());
    heard.set(signal, all);
    signal.addEventListener('abort', () => all.forEach((each) => each()), { once: true });
  }
  calls.add(call);
  const added = calls;
  return () => void added.delete(call);
}

/** Resolves after `ms`. Rejects with the signal's reason when it is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        end();
        resolve();
      },
      Math.min(ms, LONGEST_TIMER),
    );
    const end = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

/** A signal that is aborted with any of its sources. */
interface Linked {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  /** Detaches it from its sources, which may live as long as the process. */
  readonly release: () => void;
}

/** Like AbortSignal.any, but can be released. Node 20 keeps a combined signal as long as its sources live. */
export function link(...sources: readonly (AbortSignal | null | undefined)[]): Linked {
  const controller = new AbortController();
  const ends = sources
    .filter((source) => source != null)
    .map((source) => onAbort(source, () => controller.abort(source.reason)));
  return { controller, signal: controller.signal, release: () => ends.forEach((end) => end()) };
}
