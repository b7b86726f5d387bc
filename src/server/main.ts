import { readArguments, USAGE } from './settings/arguments.js';
import { start, startFault } from './start.js';

await main();

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args.help) process.stdout.write(USAGE);
    else await start(args.workers);
  } catch (error) {
    process.stderr.write(`${startFault(error)}\n`);
    process.exit(1);
  }
}
