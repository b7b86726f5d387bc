import { lookup } from 'node:dns/promises';
import type { AddressInfo } from 'node:net';
import { announce, announceKey } from './announce.js';
import { composeService, type Service } from './compose.js';
import { stopOnSignal } from './stop.js';
import { createLogger } from './log.js';
import { listenOnOthers } from './net/listen.js';
import { listening } from './net/listenFault.js';
import { isReloadable, reloadOnSignal, watchedFiles } from './reload.js';
import { rereadConfiguration, type Settings } from './settings/settings.js';
import { watchFiles } from './watchFiles.js';

const NAMES = { portName: 'PORT', hostName: 'HOST' } as const;

/** Starts the server in this process, without workers. */
export async function serve(settings: Settings): Promise<void> {
  const logger = createLogger(settings, null);
  const composing = composeService(settings, logger);
  if (isReloadable(settings)) {
    let { configuration } = settings;
    const reload = reloadOnSignal(async () => {
      const service = await composing;
      const next = rereadConfiguration(settings);
      await service.reconfigure(next);
      configuration = next;
    }, logger);
    // Started before the server listens. Otherwise a change during the start would be missed.
    if (settings.configWatch) watchFiles(() => watchedFiles(settings, configuration), reload);
  }
  const service = await composing;
  stopOnSignal(async (delay) => {
    await service.leave(delay);
    await service.close();
  }, settings.shutdownDelay);
  const address = await listen(service, settings);
  process.stdout.write(announce(address, service.latchkey.firstKey, settings));
}

async function listen(service: Service, { port, host }: Settings): Promise<string> {
  const { server, latchkey, connections } = service;
  try {
    if (host !== 'localhost') return await listening({ ...NAMES, port, host }, server.listen({ port, host }));
    // Fastify would open a second server that `connections` does not include.
    const { address } = await lookup(host);
    const url = await listening({ ...NAMES, port, host }, server.listen({ port, host: address }));
    connections.alsoAccept(await listenOnOthers(server.server.address() as AddressInfo, false));
    return url;
  } catch (error) {
    if (latchkey.firstKey !== null) process.stdout.write(announceKey(latchkey.firstKey));
    // Otherwise the next start would check the whole database, as after a crash.
    await service.close().catch(() => undefined);
    throw error;
  }
}
