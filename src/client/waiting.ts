/** The longest that a timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1;

/** What each signal calls when it is aborted. */
const heard = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted, at once where it is. One listener for any number: thousands may wait under one
 * signal, and Node takes more than ten for a leak.
 *
 * @returns ends it
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

/** Resolves after `ms`. Rejects with the signal's reason, at once where it is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        end();
        resolve();
      },
      Math.min(ms, LONGEST),
    );
    const end = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

/** A signal that is aborted with any of others. */
export interface Linked {
  readonly controller: AbortController;
  readonly signal: AbortSignal;
  /** Lets go of the others, which may live for as long as the process does. */
  readonly release: () => void;
}

/** AbortSignal.any, with an end: Node 20 keeps what it made for as long as its sources live. */
export function link(...sources: readonly (AbortSignal | null | undefined)[]): Linked {
  const controller = new AbortController();
  const ends = sources
    .filter((source) => source != null)
    .map((source) => onAbort(source, () => controller.abort(source.reason)));
  return { controller, signal: controller.signal, release: () => ends.forEach((end) => end()) };
}
