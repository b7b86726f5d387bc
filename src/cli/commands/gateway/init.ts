import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { SettingsError } from '../../../shared/settings/error.js';
import { isOfSystem } from '../../../shared/files/wholeFile.js';
import { described } from '../../describe.js';
import { EXIT, Failure, usage } from '../../exit.js';
import { openTerminal } from '../../terminal.js';
import { visibleLines } from '../../visibleText.js';
import { variablesOf, type UpstreamOptions } from './options.js';

interface InitOptions {
  readonly upstream?: string;
  readonly schema?: string;
  readonly output: string;
}

export function initCommand(): Command {
  return described({
    name: 'init',
    description:
      'Write a first policy file for an API, in which every root field is closed. ' +
      'It asks the API for its schema, or reads it from a file. An existing file is never overwritten.',
    example: 'latchkey gateway init --upstream http://127.0.0.1:8000/graphql',
  })
    .option('--upstream <url>', 'GraphQL endpoint of the API (default: GATEWAY_UPSTREAM)')
    .option('--schema <file>', 'schema of the API, if the API refuses introspection (default: GATEWAY_SCHEMA)')
    .option('--output <file>', 'file to write; - prints the policy', 'latchkey.policy.yaml')
    .action(async (options: InitOptions, command: Command) => {
      const given = { ...inherited(command), ...options };
      const { upstream, output } = given;
      const terminal = openTerminal();
      const text = await policyFor(given);
      if (output === '-') {
        terminal.out(visibleLines(text).trimEnd());
        return;
      }
      await writeNew(output, text);
      terminal.out(
        `Wrote ${output}. Every root field is closed: replace deny with public, authenticated or a scope, then run:\n\n` +
          `  latchkey gateway --upstream ${upstream ?? '$GATEWAY_UPSTREAM'} --policy ${output}`,
      );
    });
}

/** commander gives an option that the parent also has to the parent. */
function inherited(command: Command): UpstreamOptions {
  return command.parent?.opts<UpstreamOptions>() ?? {};
}

async function policyFor(options: UpstreamOptions): Promise<string> {
  const [{ readGateway }, { readSchema, upstreamSchema }, { firstPolicy }, { UpstreamFault }] = await Promise.all([
    import('../../../server/settings/settings.js'),
    import('../../../server/gateway/openGateway.js'),
    import('../../../server/gateway/initPolicy.js'),
    import('../../../server/gateway/introspectUpstream.js'),
  ]);
  try {
    const settings = readGateway(variablesOf(options), false);
    const { schema, upstream } = settings;
    return firstPolicy(schema === null ? await upstreamSchema(settings) : readSchema(schema), upstream);
  } catch (error) {
    if (error instanceof UpstreamFault) throw new Failure(EXIT.unavailable, 'UNAVAILABLE', error.message);
    if (error instanceof SettingsError) throw usage(error.lines);
    throw error;
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    const reason =
      error.code === 'EEXIST'
        ? 'exists already. Remove it, or give another --output'
        : `can't be written (${error.code})`;
    throw usage(`${path} ${reason}.`);
  }
}
