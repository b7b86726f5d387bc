import type { Command } from 'commander';
import { EXIT_MEANINGS } from './exit.js';

/** Returns docs/reference/cli.md, which contains the output of `--help`. */
export function referencePage(program: Command): string {
  return `# Command line

Generated from the help of the commands by \`npm run reference\`.

${blockOf(program)}

## Environment

| Variable | Default | |
|---|---|---|
| \`LATCHKEY_API_KEY\` | none | the key |
| \`LATCHKEY_URL\` | http://127.0.0.1:4000/admin/graphql | address of the API |
| \`NO_COLOR\` | none | any value turns colours off; they are also off if the output is not a terminal |

\`latchkey serve\` reads the [settings of the server](settings.md).

## Exit codes

| Code | |
|---|---|
${EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

With \`--json\`, an error is a JSON document on standard error: \`{"error":{"code":"FORBIDDEN","message":"…","missing":["admin"]}}\`.

${program.commands.map((command) => sectionOf(command)).join('\n\n')}
`;
}

function sectionOf(command: Command, path = 'latchkey', level = 2): string {
  const name = `${path} ${command.name()}`;
  const own = `${'#'.repeat(level)} ${name}\n\n${blockOf(command)}`;
  return [own, ...command.commands.map((child) => sectionOf(child, name, level + 1))].join('\n\n');
}

/** Returns the complete help text of a command, including its examples. */
function blockOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput({ writeOut: (part) => process.stdout.write(part) });
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
