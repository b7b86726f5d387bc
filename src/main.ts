import { pino } from 'pino';
import { composeService, type Service } from './compose.js';
import { announce, announceKey } from './announce.js';
import { readSettings, SettingsError, type Settings } from './settings/settings.js';

/** How long what runs may take to finish after the signal, in ms. */
const DRAIN_TIME = 10_000;

await main();

async function main(): Promise<void> {
  try {
    const settings = readSettings();
    const logger = pino({ level: settings.logLevel, base: null }, pino.destination(2));
    const service = await composeService(settings, logger);
    drainOnSignal(service);
    const address = await listen(service, settings);
    process.stdout.write(announce(address, service.latchkey.firstKey, settings));
  } catch (error) {
    // One line, whatever it was: a stack would bury the sentence that says what to do.
    const reason = error instanceof SettingsError ? error.message : `The server did not start. ${messageOf(error)}`;
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  }
}

async function listen({ server, latchkey }: Service, { port, host }: Settings): Promise<string> {
  try {
    return await server.listen({ port, host });
  } catch (error) {
    if (latchkey.firstKey !== null) process.stdout.write(announceKey(latchkey.firstKey));
    throw error;
  }
}

function drainOnSignal(service: Service): void {
  let draining = false;
  const drain = (): void => {
    // The second signal means now.
    if (draining) process.exit(1);
    draining = true;
    setTimeout(() => process.exit(1), DRAIN_TIME).unref();
    service.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`The server did not stop cleanly. ${messageOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', drain);
  process.on('SIGTERM', drain);
}

function messageOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return 'The port is in use. Stop what listens there, or set PORT to another (0 picks a free one).';
  }
  return error instanceof Error ? error.message : String(error);
}
