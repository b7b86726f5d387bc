import { Command } from 'commander';
import { archiveCommand } from './commands/audit/archive.js';
import { tailCommand } from './commands/audit/tail.js';
import { verifyCommand } from './commands/audit/verify.js';
import { completionCommand } from './commands/completion.js';
import { explainCommand } from './commands/explain.js';
import { gatewayCommand } from './commands/gateway/gateway.js';
import { importCommand } from './commands/import.js';
import { createCommand } from './commands/keys/create.js';
import { deriveCommand } from './commands/keys/derive.js';
import { expireCommand } from './commands/keys/expire.js';
import { findCommand } from './commands/keys/find.js';
import { listCommand } from './commands/keys/list.js';
import { revokeCommand } from './commands/keys/revoke.js';
import { rotateCommand } from './commands/keys/rotate.js';
import { showCommand } from './commands/keys/show.js';
import { updateCommand } from './commands/keys/update.js';
import { listCommand as listProjectsCommand } from './commands/projects/list.js';
import { scanCommand } from './commands/scan.js';
import { listCommand as listLimitsCommand } from './commands/limits/list.js';
import { removeCommand as removeLimitsCommand } from './commands/limits/remove.js';
import { setCommand as setLimitsCommand } from './commands/limits/set.js';
import { showCommand as showLimitsCommand } from './commands/limits/show.js';
import { schemaCommand } from './commands/schema.js';
import { serveCommand } from './commands/serve.js';
import { tiersCommand } from './commands/tiers.js';
import { usageCommand } from './commands/usage/usage.js';
import { listCommand as listUsersCommand } from './commands/users/list.js';
import { verifyKeyCommand } from './commands/verify.js';
import { whoamiCommand } from './commands/whoami.js';
import { createCommand as createWorkspaceCommand } from './commands/workspace/create.js';
import { addCreditsCommand } from './commands/credits/add.js';
import { showCreditsCommand } from './commands/credits/show.js';
import { tierCommand } from './commands/workspace/tier.js';
import { packageVersion } from '../packageFiles.js';
import { group } from './describe.js';

/** The same width in a terminal, in a pipe, and in docs/reference/cli.md. */
const HELP_WIDTH = 100;

/** Every command, by its heading in the help. */
function commands(program: () => Command): Readonly<Record<string, readonly Command[]>> {
  return {
    'Server:': [serveCommand(), gatewayCommand()],
    'Keys:': [
      group('keys', 'Manage the keys of a workspace.', [
        createCommand(),
        listCommand(),
        findCommand(),
        showCommand(),
        updateCommand(),
        rotateCommand(),
        expireCommand(),
        revokeCommand(),
        deriveCommand(),
      ]),
      verifyKeyCommand(),
      whoamiCommand(),
      usageCommand(),
      explainCommand(),
    ],
    'Workspace:': [
      group('workspace', 'Manage workspaces and their tiers.', [createWorkspaceCommand(), tierCommand()]),
      tiersCommand(),
      group('credits', 'Show and add credits that requests are paid from.', [
        showCreditsCommand(),
        addCreditsCommand(),
      ]),
      group('projects', 'List the projects of a workspace.', [listProjectsCommand()]),
      group('limits', 'Show and replace the limits of single keys, owners, projects and workspaces.', [
        showLimitsCommand(),
        setLimitsCommand(),
        listLimitsCommand(),
        removeLimitsCommand(),
      ]),
      group('users', 'List the users of a workspace.', [listUsersCommand()]),
      group('audit', 'Read, verify and archive the audit log.', [tailCommand(), verifyCommand(), archiveCommand()]),
      schemaCommand(),
    ],
    'Without a server:': [importCommand(), scanCommand(), completionCommand(program)],
  };
}

/** Returns the whole command line. It throws instead of ending the process, and doesn't print errors. */
export function createProgram(): Command {
  const program = new Command('latchkey')
    .description('API keys for GraphQL: run the server, manage keys, and find leaked ones.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    // A command and its subcommand can have options with the same name.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nThe key is read from LATCHKEY_API_KEY, or from standard input with --key-stdin. The address is read from LATCHKEY_URL.\n' +
        '\nExample:\n  latchkey keys create airflow --scopes read-only --expires 90d',
    );
  for (const [heading, listed] of Object.entries(commands(() => program))) {
    for (const command of listed) program.addCommand(command.helpGroup(heading));
  }
  settle(program);
  return program;
}

/** Commands that are created separately don't inherit their parent's settings. */
function settle(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, getOutHelpWidth: () => HELP_WIDTH })
    .showSuggestionAfterError();
  for (const child of command.commands) settle(child);
}
