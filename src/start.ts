import { faultOf } from './fault.js';
import { readSettings, SettingsError } from './settings/settings.js';

/**
 * Serves until a signal, with the settings of the environment.
 *
 * @param workers processes that serve, over WORKERS; null: what that says
 * @throws SettingsError; whatever keeps a server from listening
 */
export async function start(workers: number | null): Promise<void> {
  const settings = readSettings();
  const size = workers ?? settings.workers;
  // Loaded only here: a primary has no use for the service, nor a single process for a cluster.
  if (size === null) await (await import('./serve.js')).serve(settings);
  else await (await import('./cluster/primary.js')).serveWithWorkers(settings, size);
}

/** Why nothing was started, in one line. */
export function startFault(error: unknown): string {
  return error instanceof SettingsError ? error.message : `The server did not start. ${faultOf(error)}`;
}
