import type { Worker } from 'node:cluster';
import { announce, announceKey, type FirstKey } from '../announce.js';
import { Limiter } from '../../core/limits/limiter.js';
import { replaceTable } from '../../core/limits/tiers.js';
import { createLogger } from '../log.js';
import { readCertificate } from '../net/certificate.js';
import { listening } from '../net/listenFault.js';
import { isReloadable, reloadOnSignal, watchedFiles } from '../reload.js';
import { rereadConfiguration, type Settings } from '../settings/settings.js';
import { stopOnSignal } from '../stop.js';
import { watchFiles } from '../watchFiles.js';
import { answersTo } from './answers.js';
import { Fleet, tell } from './fleet.js';
import { Gathering } from './gathering.js';
import { Listener } from './listener.js';
import type { BesidesStart } from './messages.js';
import { WorkersPlaces } from './workersPlaces.js';

/**
 * Serves from several processes on one port. This process answers no request. It accepts connections and gives them to the
 * workers, counts the limits for all of them, relays key changes and stream events between them, and prints the startup messages.
 */
export async function serveWithWorkers(settings: Settings, size: number): Promise<void> {
  const tiers = { ...settings.configuration.tiers };
  const limiter = new Limiter({ tiers });
  /** Created, but not yet printed. */
  let firstKey: FirstKey | null = null;
  let announced = false;

  const gathering = new Gathering();
  const places = new WorkersPlaces<Worker>();
  const onMessage = (message: BesidesStart, worker: Worker): void => {
    switch (message.kind) {
      case 'asks':
        tell(worker, answersTo(message, limiter));
        break;
      case 'change':
      case 'event':
        fleet.tellOthers(message, worker);
        break;
      case 'take-place': {
        const { id, family, limit } = message;
        tell(worker, { kind: 'place', id, taken: places.take(worker, family, limit) });
        break;
      }
      case 'return-place':
        places.giveBack(worker, message.family);
        break;
      case 'scrape':
        gathering.begin(message, worker, fleet.workers);
        break;
      case 'counted':
        gathering.receive(message, worker);
        break;
      case 'taken':
        listener.taken(worker, message.id, message.isFull);
        break;
      case 'room':
        listener.hasRoom(worker);
        break;
      case 'lost':
        listener.lost(worker, message.id);
        break;
      case 'first-key':
        firstKey = message.firstKey;
        if (announced) showKey();
    }
  };
  const showKey = (): void => {
    if (firstKey !== null) process.stdout.write(announceKey(firstKey));
    firstKey = null;
  };
  const logger = createLogger(settings, { pid: process.pid });
  // Before anything is stored, so that a port in use has no side effects.
  const { port, host } = settings;
  const listener = await listening({ port, host, portName: 'PORT', hostName: 'HOST' }, Listener.open(port, host));
  const fleet = new Fleet({
    size,
    // A worker that replaces another must serve the same schema, even if latchkey.yaml has changed since the start.
    env: { DEMO: settings.configuration.demo ? 'on' : 'off' },
    logger,
    onMessage,
    onReady: (worker) => listener.add(worker),
    onEnd(worker) {
      listener.remove(worker);
      places.forget(worker);
    },
  });

  if (isReloadable(settings)) {
    let { configuration } = settings;
    const reload = reloadOnSignal(async () => {
      // Read here first, so that no worker gets an invalid file.
      if (settings.tls !== null) readCertificate(settings.tls);
      const next = rereadConfiguration(settings);
      if (settings.gateway !== null) {
        const { checkGatewayFiles } = await import('../gateway/openGateway.js');
        await checkGatewayFiles(settings.gateway);
      }
      configuration = next;
      replaceTable(tiers, configuration.tiers);
      fleet.tellOthers({ kind: 'reload' });
    }, logger);
    if (settings.configWatch) watchFiles(() => watchedFiles(settings, configuration), reload);
  }
  stopOnSignal(
    async (delay) => {
      await fleet.leave(delay);
      await listener.close();
      await fleet.drain();
      showKey();
    },
    settings.shutdownDelay,
    () => fleet.kill(),
  );
  try {
    await fleet.start();
    const address = listener.urlOf(settings.tls === null ? 'http' : 'https');
    process.stdout.write(announce(address, firstKey, settings));
    announced = true;
    firstKey = null;
  } catch (error) {
    fleet.kill();
    showKey();
    throw error;
  }
}
