import { announce, announceKey } from './announce.js';
import { composeService, type Service } from './compose.js';
import { drainOnSignal } from './drain.js';
import { createLogger } from './log.js';
import { isReloadable, reloadOnSignal } from './reload.js';
import { rereadConfiguration, type Settings } from './settings/settings.js';

/** Serves from this process alone. */
export async function serve(settings: Settings): Promise<void> {
  const logger = createLogger(settings, null);
  const service = await composeService(settings, logger);
  drainOnSignal(() => service.close());
  if (isReloadable(settings)) {
    reloadOnSignal(() => service.reconfigure(rereadConfiguration(settings)), logger);
  }
  const address = await listen(service, settings);
  process.stdout.write(announce(address, service.latchkey.firstKey, settings));
}

async function listen({ server, latchkey }: Service, { port, host }: Settings): Promise<string> {
  try {
    return await server.listen({ port, host });
  } catch (error) {
    if (latchkey.firstKey !== null) process.stdout.write(announceKey(latchkey.firstKey));
    throw error;
  }
}
