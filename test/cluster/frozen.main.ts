import { serveWithWorkers } from '../../src/cluster/primary.js';
import { readSettings } from '../../src/settings/settings.js';

/**
 * `npm start -- --workers 2` on a clock that stands still: nothing that was used comes back, however slow the machine.
 * Each SIGUSR2 lets one second pass, and prints how many have passed.
 */
let now = 0;
process.on('SIGUSR2', () => {
  now += 1000;
  process.stdout.write(`Seconds: ${now / 1000}.\n`);
});
await serveWithWorkers(readSettings(), 2, { clock: () => now });
