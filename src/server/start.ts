import { faultOf } from './fault.js';
import { NO_UPSTREAM } from './settings/gatewaySettings.js';
import { overrideVariables, readSettings, SettingsError } from './settings/settings.js';

interface StartOptions {
  /** Override environment variables, including the workers' variables. Undefined: unchanged. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Whether the settings must configure a gateway. */
  readonly requireGateway?: boolean;
}

/**
 * Starts the server with the settings of the environment. It stops on a signal.
 *
 * @param workers the number of processes, which overrides WORKERS; null: use WORKERS
 * @throws SettingsError, and errors that prevent listening
 */
export async function start(
  workers: number | null,
  { variables = {}, requireGateway = false }: StartOptions = {},
): Promise<void> {
  overrideVariables(variables);
  const settings = readSettings();
  if (requireGateway && settings.gateway === null) throw new SettingsError(NO_UPSTREAM);
  const size = workers ?? settings.workers;
  // Loaded only if needed: the primary of a cluster doesn't need the service, and a single process doesn't need the cluster.
  if (size === null) await (await import('./serve.js')).serve(settings);
  else await (await import('./cluster/primary.js')).serveWithWorkers(settings, size);
}

/** Returns why the server was not started, in one line. */
export function startFault(error: unknown): string {
  return error instanceof SettingsError ? error.message : `The server did not start. ${faultOf(error)}`;
}
