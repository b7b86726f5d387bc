import type { Command } from 'commander';
import type { Drift } from '../../../server/gateway/drift.js';
import { SettingsError } from '../../../shared/settings/error.js';
import { described } from '../../describe.js';
import { EXIT, Failure, usage } from '../../exit.js';
import { json } from '../../commandOptions.js';
import { openTerminal } from '../../terminal.js';
import { jsonText, visible } from '../../visibleText.js';
import { upstreamOptions, variablesOf, type UpstreamOptions } from './options.js';

interface CheckOptions extends UpstreamOptions {
  readonly json?: true;
}

export function checkCommand(): Command {
  const command = described({
    name: 'check',
    description:
      'Compare the schema and the policy of a gateway with the schema that the API has now. ' +
      'The exit code is 1 if fields were added, removed or changed, or are undecided.',
    example: 'latchkey gateway check --upstream http://127.0.0.1:8000/graphql --policy latchkey.policy.yaml',
  });
  return json(upstreamOptions(command)).action(async (options: CheckOptions, { parent }: Command) => {
    const drift = await check({ ...parent?.opts<UpstreamOptions>(), ...options });
    const terminal = openTerminal();
    terminal.out(options.json === true ? jsonText(drift) : textOf(drift));
    if (KINDS.some((kind) => drift[kind].length > 0)) process.exitCode = EXIT.failed;
  });
}

async function check(options: UpstreamOptions): Promise<Drift> {
  const [{ readGateway }, { checkGateway }, { UpstreamFault }] = await Promise.all([
    import('../../../server/settings/settings.js'),
    import('../../../server/gateway/checkGateway.js'),
    import('../../../server/gateway/introspectUpstream.js'),
  ]);
  try {
    return await checkGateway(readGateway(variablesOf(options), true));
  } catch (error) {
    if (error instanceof UpstreamFault) throw new Failure(EXIT.unavailable, 'UNAVAILABLE', error.message);
    if (error instanceof SettingsError) throw usage(error.lines);
    throw error;
  }
}

const MEANINGS: Readonly<Record<keyof Drift, string>> = {
  undecided: 'without a rule at the root, and closed: add a line for each to the policy or the schema file',
  added: 'new in the API: callers cannot use them yet',
  removed: 'no longer in the API: operations with them fail',
  changed: 'with another type or other arguments in the API',
};

const KINDS = Object.keys(MEANINGS) as (keyof Drift)[];

function textOf(drift: Drift): string {
  const blocks = KINDS.filter((kind) => drift[kind].length > 0).map((kind) =>
    [`${drift[kind].length} ${MEANINGS[kind]}`, ...drift[kind].map((name) => `  ${visible(name)}`)].join('\n'),
  );
  return blocks.length === 0
    ? 'The schema of the API has not changed, and every root field is decided.'
    : blocks.join('\n\n');
}
