/** The longest that a timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1;

/** Resolves after `ms`. Rejects with the signal's reason, at once where it is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', abort);
        resolve();
      },
      Math.min(ms, LONGEST),
    );
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
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
  const links = sources
    .filter((source) => source != null)
    .map((source) => {
      const abort = (): void => controller.abort(source.reason);
      if (source.aborted) abort();
      else source.addEventListener('abort', abort, { once: true });
      return { source, abort };
    });
  return {
    controller,
    signal: controller.signal,
    release: () => {
      for (const { source, abort } of links) source.removeEventListener('abort', abort);
    },
  };
}
