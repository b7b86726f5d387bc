import { described } from '../describe.js';
import type { Command } from 'commander';
import { SettingsError } from '../../settings/error.js';
import { EXIT, usage } from '../exit.js';

export function serveCommand(): Command {
  return described({
    name: 'serve',
    description: 'Serve the API, with the settings of the environment and latchkey.yaml, until Ctrl-C.',
    example: 'PORT=8080 latchkey serve --workers 2',
  })
    .option('--workers <n>', 'serve from n processes on one port, with the same limits as one; or auto')
    .action(async ({ workers }: { readonly workers?: string }) => {
      const [{ start, startFault }, { readOption }] = await Promise.all([
        import('../../start.js'),
        import('../../settings/options.js'),
      ]);
      try {
        await start(readOption('WORKERS', workers, '--workers') ?? null);
      } catch (error) {
        if (error instanceof SettingsError) throw usage(error.message);
        // At once: what was opened for a server that does not start would keep the process alive.
        process.stderr.write(`${startFault(error)}\n`);
        process.exit(EXIT.failed);
      }
    });
}
