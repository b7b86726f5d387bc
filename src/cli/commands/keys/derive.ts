import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking, given, items, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { durationOf, shortMoment } from '../../times.js';
import { visible } from '../../visibleText.js';
import { quiet } from './made.js';

interface Derived {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: string;
  readonly scopes: readonly string[];
  readonly audience: string;
}

const DERIVE = operation<{ readonly deriveToken: Derived }, { readonly input: object }>(
  'mutation DeriveToken($input: DeriveTokenInput!) { deriveToken(input: $input) { token id expiresAt scopes audience } }',
);

interface DeriveOptions extends AskingOptions {
  readonly scopes: readonly string[];
  readonly ttl?: string;
  readonly audience?: string;
  readonly quiet?: true;
}

export function deriveCommand(): Command {
  const command = described({
    name: 'derive',
    description: 'Derive a token from your key: valid for minutes, with some of its scopes, for a browser or a worker.',
    example: 'latchkey keys derive --scopes read:assets --ttl 15m --quiet > token.txt',
  })
    .requiredOption('-s, --scopes <scopes>', 'comma-separated scopes, which your key must have', items)
    .option('--ttl <time>', 'how long the token is valid: 1m to 60m (default: 15m)')
    .option('--audience <name>', 'the service that verifies the token (default: this server)');
  return asking(quiet(command)).action(async (options: DeriveOptions) => {
    const { scopes, audience, quiet: alone } = options;
    const ttl = options.ttl === undefined ? undefined : durationOf('--ttl', options.ttl);
    await talk(options, async ({ ask, show, list, terminal }) => {
      const derived = (await ask(DERIVE, { input: given({ scopes, ttl, audience }) })).deriveToken;
      if (alone === true) terminal.out(visible(derived.token));
      else show({ derived }, () => list(terminal, linesOf(derived)));
    });
  });
}

function linesOf({ token, id, expiresAt, scopes, audience }: Derived): [string, string | null][] {
  return [
    ['Id', id],
    ['Scopes', scopes.join(' ')],
    ['Audience', audience],
    ['Expires', shortMoment(expiresAt)],
    ['Token', token],
  ];
}
