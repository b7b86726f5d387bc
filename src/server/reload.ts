import { faultOf } from './fault.js';
import type { Settings } from './settings/settings.js';

/** The methods of a logger that a reload uses. */
interface Log {
  info(message: string): void;
  error(details: object, message: string): void;
}

type Files = Pick<Settings, 'tls' | 'gateway'>;

/** Returns whether the server was started with files that can be reloaded: a configuration, a certificate, or the rules of a gateway. */
export function isReloadable({ configuration, tls, gateway }: Files & Pick<Settings, 'configuration'>): boolean {
  return configuration.path !== null || tls !== null || gateway !== null;
}

/** Returns the files whose changes cause a reload. @param configuration the current configuration */
export function watchedFiles({ tls, gateway }: Files, configuration: Settings['configuration']): string[] {
  const { path, secretFiles } = configuration;
  const files = [path, ...secretFiles, tls?.cert, tls?.key, gateway?.policy, gateway?.schema];
  return files.filter((file) => file != null);
}

/**
 * Reloads the configuration, the certificate and the rules of a gateway on SIGHUP. If a reload fails, the previous ones stay in use, and one line of
 * the log says why. Call it only if there is a file to reload. Otherwise SIGHUP should end the process, which is its default
 * and what happens when a terminal is closed.
 *
 * @returns a function that requests a reload
 */
export function reloadOnSignal(reload: () => Promise<void>, log: Log): () => void {
  const ask = reloading(reload, log);
  process.on('SIGHUP', ask);
  return ask;
}

/** Returns a function that requests a reload and logs the result: see {@link oneAtATime}. */
export function reloading(reload: () => Promise<void>, log: Log): () => void {
  return oneAtATime(async () => {
    try {
      await reload();
      log.info('configuration reloaded');
    } catch (error) {
      log.error({ fault: faultOf(error) }, 'reload failed; keeping the previous configuration');
    }
  });
}

/**
 * Returns a function that runs `work`, one run at a time. Calls during a run cause one more run after it, because the file may
 * have changed after it was read.
 *
 * @param work must not throw
 */
export function oneAtATime(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await work();
    } while (isAsked());
    running = false;
  };
  // A function, because the compiler assumes that `again` does not change during an await.
  const isAsked = (): boolean => again;
  return () => {
    if (running) again = true;
    else void run();
  };
}
