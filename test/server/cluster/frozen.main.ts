import { serveWithWorkers } from '../../../src/server/cluster/primary.js';
import { readSettings } from '../../../src/server/settings/settings.js';

/**
 * `npm start -- --workers 2` with a clock that does not move by itself: used units never come back, however slow the
 * machine is. Each SIGUSR2 advances the clock by one second, and prints the total.
 */
let now = 0;
process.on('SIGUSR2', () => {
  now += 1000;
  process.stdout.write(`Seconds: ${now / 1000}.\n`);
});
await serveWithWorkers(readSettings(), 2, { clock: () => now });
