import { described } from '../describe.js';
import type { Command } from 'commander';
import { SettingsError } from '../../shared/settings/error.js';
import { EXIT, usage } from '../exit.js';

export function serveCommand(): Command {
  return described({
    name: 'serve',
    description: 'Run the server with the settings in the environment and latchkey.yaml, until Ctrl-C.',
    example: 'PORT=8080 latchkey serve --workers 2',
  })
    .option('--workers <n>', 'number of processes on one port, which share limits; or auto')
    .action(async ({ workers }: { readonly workers?: string }) => {
      const [{ start, startFault }, { readOption }] = await Promise.all([
        import('../../server/start.js'),
        import('../../server/settings/readOption.js'),
      ]);
      try {
        await start(readOption('WORKERS', workers, '--workers') ?? null);
      } catch (error) {
        if (error instanceof SettingsError) throw usage(error.lines);
        // Exits immediately, because resources that were opened for the failed start would keep the process alive.
        process.stderr.write(`${startFault(error)}\n`);
        process.exit(EXIT.failed);
      }
    });
}
