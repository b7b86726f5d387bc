import type { Command } from 'commander';
import { SettingsError } from '../../../shared/settings/error.js';
import { described } from '../../describe.js';
import { EXIT, usage } from '../../exit.js';
import { checkCommand } from './check.js';
import { initCommand } from './init.js';
import { upstreamOptions, variablesOf, type UpstreamOptions } from './options.js';

interface GatewayOptions extends UpstreamOptions {
  readonly workers?: string;
}

export function gatewayCommand(): Command {
  const command = described({
    name: 'gateway',
    description:
      'Run the server as a gateway in front of a GraphQL API, with the settings in the environment and latchkey.yaml, until Ctrl-C. ' +
      'It checks each operation on /graphql and forwards it. Key management is at /admin/graphql.',
    example: 'latchkey gateway --upstream http://127.0.0.1:8000/graphql --policy latchkey.policy.yaml',
  });
  upstreamOptions(command)
    .option('--workers <n>', 'number of processes on one port, which share limits; or auto')
    .action(async (options: GatewayOptions) => {
      const [{ start, startFault }, { readOption }] = await Promise.all([
        import('../../../server/start.js'),
        import('../../../server/settings/readOption.js'),
      ]);
      try {
        const variables = variablesOf(options);
        await start(readOption('WORKERS', options.workers, '--workers') ?? null, { requireGateway: true, variables });
      } catch (error) {
        if (error instanceof SettingsError) throw usage(error.lines);
        // Exits immediately, because resources that were opened for the failed start would keep the process alive.
        process.stderr.write(`${startFault(error)}\n`);
        process.exit(EXIT.failed);
      }
    });
  for (const child of [initCommand(), checkCommand()]) command.addCommand(child);
  return command.helpCommand(false);
}
