import { faultOf } from './fault.js';
import type { Settings } from './settings/settings.js';

/** As much of a logger as is used. */
export interface Log {
  info(message: string): void;
  error(details: object, message: string): void;
}

/** Did the server start with a file that may be read anew: a configuration, or a certificate? */
export function isReloadable({ configuration, tls }: Pick<Settings, 'configuration' | 'tls'>): boolean {
  return configuration.path !== null || tls !== null;
}

/** The files whose changes act by themselves. @param configuration the one that holds */
export function watchedFiles({ tls }: Pick<Settings, 'tls'>, configuration: Settings['configuration']): string[] {
  const { path, secretFiles } = configuration;
  return [...(path === null ? [] : [path]), ...secretFiles, ...(tls === null ? [] : [tls.cert, tls.key])];
}

/**
 * SIGHUP reads the configuration and the certificate anew. What cannot be put in place leaves everything as it was, and the
 * log says why in one line. To be called where there is a file: without one the signal goes on ending the process, as of a
 * closed terminal.
 *
 * @returns what asks for the same
 */
export function reloadOnSignal(reload: () => Promise<void>, log: Log): () => void {
  const ask = reloading(reload, log);
  process.on('SIGHUP', ask);
  return ask;
}

/** @returns what asks for a reload: see {@link oneAtATime} */
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
 * @param work must not throw
 * @returns what asks for the work: what is asked for while it runs is done once more after it, however often, since the
 * file may have changed after it was read
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
  // A function, for a compiler takes `again` for unchanged over an await.
  const isAsked = (): boolean => again;
  return () => {
    if (running) again = true;
    else void run();
  };
}
