import type { Command } from 'commander';
import { described } from '../describe.js';
import { operation } from '../typedOperation.js';
import { asking, type AskingOptions } from '../commandOptions.js';
import { talk } from '../talk.js';
import { shortMoment } from '../times.js';
import { LIMITS, limitLines, type Limits } from './limitLines.js';

interface Viewer {
  readonly credential: {
    readonly kind: string;
    readonly id: string;
    readonly apiKey: {
      readonly name: string;
      readonly prefix: string;
      readonly type: string;
      readonly environment: string;
      readonly expiresAt: string | null;
    } | null;
  };
  readonly workspace: { readonly id: string; readonly name: string; readonly tier: string };
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly scopes: readonly string[];
  readonly limits: Limits;
}

const WHO = operation<{ readonly viewer: Viewer }>(
  `query WhoAmI {
    viewer {
      credential { kind id apiKey { name prefix type environment expiresAt } }
      workspace { id name tier }
      project { id name }
      scopes
      limits { ...Limits }
    }
  }`,
  LIMITS,
);

export function whoamiCommand(): Command {
  const command = described({
    name: 'whoami',
    description: 'Show your key, its scopes and its remaining limits.',
    example: 'latchkey whoami --json',
  });
  return asking(command).action(async (options: AskingOptions) => {
    await talk(options, async ({ ask, show, list, terminal }) => {
      const { viewer } = await ask(WHO);
      show({ viewer }, () => list(terminal, linesOf(viewer)));
    });
  });
}

function linesOf({ credential, workspace, project, scopes, limits }: Viewer): [string, string | null][] {
  const { kind, id, apiKey } = credential;
  return [
    ['Credential', `${kind} ${id}`],
    ['Name', apiKey?.name ?? null],
    ['Prefix', apiKey?.prefix ?? null],
    ['Type', apiKey && `${apiKey.type} ${apiKey.environment}`],
    ['Expires', apiKey && (apiKey.expiresAt === null ? 'never' : shortMoment(apiKey.expiresAt))],
    ['Workspace', `${workspace.name} (${workspace.id})`],
    ['Project', project && `${project.name} (${project.id})`],
    ['Scopes', scopes.join(' ')],
    ...limitLines(limits),
  ];
}
