/** Stops the clock with which the primary counts limits: see FROZEN in installation.ts. The workers, which also load this file, keep theirs. */
import cluster from 'node:cluster';
import { performance } from 'node:perf_hooks';

if (cluster.isPrimary) {
  let now = 0;
  performance.now = () => now;
  process.on('SIGUSR2', () => {
    now += 1_000;
    process.stdout.write(`Seconds: ${now / 1_000}.\n`);
  });
}
