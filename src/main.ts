import { faultOf } from './fault.js';
import { readArguments, USAGE } from './settings/arguments.js';
import { readSettings, SettingsError } from './settings/settings.js';

await main();

async function main(): Promise<void> {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args.help) {
      process.stdout.write(USAGE);
      return;
    }
    const settings = readSettings();
    const workers = args.workers ?? settings.workers;
    // Loaded only here: a primary has no use for the service, nor a single process for a cluster.
    if (workers === null) await (await import('./serve.js')).serve(settings);
    else await (await import('./cluster/primary.js')).serveWithWorkers(settings, workers);
  } catch (error) {
    const reason = error instanceof SettingsError ? error.message : `The server did not start. ${faultOf(error)}`;
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  }
}
