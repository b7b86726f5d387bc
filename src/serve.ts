import { announce, announceKey } from './announce.js';
import { composeService, type Service } from './compose.js';
import { drainOnSignal } from './drain.js';
import { createLogger } from './log.js';
import type { Settings } from './settings/settings.js';

/** Serves from this process alone. */
export async function serve(settings: Settings): Promise<void> {
  const service = await composeService(settings, createLogger(settings, null));
  drainOnSignal(() => service.close());
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
