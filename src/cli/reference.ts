import type { Command } from 'commander';
import { EXIT_MEANINGS } from './exit.js';

/** docs/reference/cli.md, made of what `--help` prints. */
export function referencePage(program: Command): string {
  return `# Command line

Made from the commands' own help by \`node scripts/reference-cli.js\`: change it there. [cli.md](../cli.md) shows how it is used.

${blockOf(program)}

## Environment

| Variable | Default | |
|---|---|---|
| \`LATCHKEY_API_KEY\` | none | the key |
| \`LATCHKEY_URL\` | http://127.0.0.1:4000/graphql | address of the API |
| \`NO_COLOR\` | none | set to anything, no colours are used; nor are they where the output is no terminal |

\`latchkey serve\` reads the server's own settings: see the README.

## Exit codes

| Code | |
|---|---|
${EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

With \`--json\` the fault is a document on standard error: \`{"error":{"code":"FORBIDDEN","message":"…","missing":["admin"]}}\`.

${program.commands.map((command) => sectionOf(command)).join('\n\n')}
`;
}

function sectionOf(command: Command, path = 'latchkey', level = 2): string {
  const name = `${path} ${command.name()}`;
  const own = `${'#'.repeat(level)} ${name}\n\n${blockOf(command)}`;
  return [own, ...command.commands.map((child) => sectionOf(child, name, level + 1))].join('\n\n');
}

/** All of the help, with what stands after it. */
function blockOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput({ writeOut: (part) => process.stdout.write(part) });
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
