import type { Socket } from 'node:net';
import { composeService, type Service, type Shared } from '../compose.js';
import { faultOf } from '../fault.js';
import type { Change } from '../../core/keys/changeFeed.js';
import { createLogger } from '../log.js';
import { reloading } from '../reload.js';
import { readSettings, rereadConfiguration, type Settings } from '../settings/settings.js';
import type { StreamEvent } from '../streams/streamEvent.js';
import type { FromPrimary, FromWorker } from './messages.js';
import { RemoteFeed } from './remoteFeed.js';
import { RemoteLimits } from './remoteLimits.js';
import { RemoteMetrics } from './remoteMetrics.js';
import { RemotePlaces } from './remotePlaces.js';

/** A worker process: the service, with limits and places in the primary. Started only by the primary. */

const changes = new RemoteFeed<Change>((change) => tellPrimary({ kind: 'change', change }));
/**
 * The number of events that are being sent to the primary, and its maximum: a hanging primary must not fill this
 * process.
 */
let underWay = 0;
const MAX_UNDER_WAY = 1_000;
const events = new RemoteFeed<StreamEvent>((event) => {
  if (underWay >= MAX_UNDER_WAY) return;
  underWay += 1;
  tellPrimary({ kind: 'event', event }, () => (underWay -= 1));
});
const places = new RemotePlaces((message) => tellPrimary(message));
const metrics = new RemoteMetrics((message) => tellPrimary(message));
/** Created after the settings are read, because they contain the tiers. */
let limits: RemoteLimits | null = null;
let service: Service | null = null;
let lastConnection = 0;
let reload = (): void => undefined;
const starting = start();

// The primary handles signals. Ctrl-C in a terminal reaches all of its processes, and this one again through the
// primary.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);
// Without a primary, nothing is counted. Runs before cluster's own listener, which would exit with status 0.
process.prependListener('disconnect', () => process.exit(1));
process.on('message', (message: FromPrimary, socket?: Socket) => {
  switch (message.kind) {
    case 'connection':
      lastConnection = message.id;
      if (socket !== undefined) service?.connections.take(socket);
      tellPrimary({ kind: 'taken', id: message.id, isFull: service?.connections.isFull === true });
      break;
    case 'given':
      if (message.id !== lastConnection) tellPrimary({ kind: 'lost', id: message.id });
      break;
    case 'answers':
      limits?.receive(message);
      break;
    case 'change':
      changes.receive(message.change);
      break;
    case 'event':
      events.receive(message.event);
      break;
    case 'place':
      places.receive(message);
      break;
    case 'gathered':
      metrics.receive(message);
      break;
    case 'count':
      void count(message.round);
      break;
    case 'reload':
      starting.then(
        () => reload(),
        () => undefined,
      );
      break;
    case 'end':
      process.exit(0);
      break;
    case 'leave':
      starting.then(
        (service) => service.leave(message.delay).then(() => tellPrimary({ kind: 'left' })),
        () => undefined,
      );
      break;
    case 'drain':
      starting.then(drain, () => undefined);
  }
});
starting.catch(fail);

async function start(): Promise<Service> {
  const settings = readSettings();
  const shared = sharedWithOthers(settings);
  const logger = createLogger(settings, { pid: process.pid });
  const composed = await composeService(settings, logger, {
    ...(shared !== null && { shared }),
    places,
    scrape: () => metrics.scrape(),
  });
  service = composed;
  reload = reloading(() => composed.reconfigure(rereadConfiguration(settings)), logger);
  const { firstKey } = service.latchkey;
  if (firstKey !== null) {
    const { key, token } = firstKey;
    tellPrimary({ kind: 'first-key', firstKey: { key: { workspaceId: key.workspaceId }, token } });
  }
  try {
    await service.server.ready();
  } catch (error) {
    // Otherwise the next start would check the whole database, as after a crash.
    await service.close().catch(() => undefined);
    throw error;
  }
  service.connections.begin();
  service.connections.onRoom(() => tellPrimary({ kind: 'room' }));
  logger.info('the worker is ready');
  tellPrimary({ kind: 'ready' });
  return service;
}

/** Returns the state that workers share through the primary; null if they share it through Redis. */
function sharedWithOthers({ redisUrl, configuration }: Settings): Shared | null {
  if (redisUrl !== null) return null;
  limits = new RemoteLimits({
    // A separate copy, which a reload overwrites.
    tiers: { ...configuration.tiers },
    send: (message, failed) => tellPrimary(message, (error) => error && failed(error)),
  });
  return { limits, changes, events };
}

/** A worker that is starting has counted nothing. */
async function count(round: number): Promise<void> {
  const snapshot = service === null ? [] : await service.metrics.snapshot();
  tellPrimary({ kind: 'counted', round, snapshot });
}

/** Finishes running requests. The process ends after the primary has confirmed, so that no message is lost. */
function drain(service: Service): void {
  service.close().then(() => tellPrimary({ kind: 'stopped' }), fail);
}

function fail(error: unknown): void {
  tellPrimary({ kind: 'failed', reason: faultOf(error) }, () => process.exit(1));
}

function tellPrimary(message: FromWorker, done: (error: Error | null) => void = () => undefined): void {
  if (process.send === undefined) done(new Error('There is no primary.'));
  else process.send(message, undefined, undefined, done);
}
