import { composeService, type Service, type Shared } from '../compose.js';
import { faultOf } from '../fault.js';
import { createLogger } from '../log.js';
import { readSettings } from '../settings/settings.js';
import type { FromPrimary, FromWorker } from './messages.js';
import { RemoteChanges } from './remoteChanges.js';
import { RemoteLimits } from './remoteLimits.js';

/** A worker process: the service, with what the primary holds for all. Only the primary starts it. */

const limits = new RemoteLimits({ send: (message, failed) => tellPrimary(message, (error) => error && failed(error)) });
const changes = new RemoteChanges((message) => tellPrimary(message));
const starting = start();

// The primary's to answer. A terminal's Ctrl-C comes to all of its processes, and to this one once more by the primary.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// Without a primary nobody counts. Before cluster's own listener, which would call that a success.
process.prependListener('disconnect', () => process.exit(1));
process.on('message', (message: FromPrimary) => {
  switch (message.kind) {
    case 'answers':
      limits.receive(message);
      break;
    case 'change':
      changes.receive(message);
      break;
    case 'drain':
      starting.then(drain, () => undefined);
  }
});
starting.catch(fail);

async function start(): Promise<Service> {
  const settings = readSettings();
  const service = await composeService(settings, createLogger(settings, { pid: process.pid }), {
    shared: sharedWithOthers(),
  });
  const { firstKey } = service.latchkey;
  if (firstKey !== null) {
    const { key, token } = firstKey;
    tellPrimary({ kind: 'first-key', firstKey: { key: { workspaceId: key.workspaceId }, token } });
  }
  const address = await service.server.listen({ port: settings.port, host: settings.host });
  tellPrimary({ kind: 'listening', address });
  return service;
}

/**
 * What the workers have in common. The one place that decides it: where the settings name a place that counts for
 * several machines, the primary's limits and changes are not needed, and this is undefined.
 */
function sharedWithOthers(): Shared {
  return { limits, changes };
}

/** Finishes what runs, then ends. */
function drain(service: Service): void {
  service.close().then(() => process.exit(0), fail);
}

function fail(error: unknown): void {
  tellPrimary({ kind: 'failed', reason: faultOf(error) }, () => process.exit(1));
}

function tellPrimary(message: FromWorker, done: (error: Error | null) => void = () => undefined): void {
  if (process.send === undefined) done(new Error('There is no primary.'));
  else process.send(message, undefined, undefined, done);
}
