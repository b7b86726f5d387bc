import { Option, type Command } from 'commander';
import { SOURCES } from '../../management/import/presets.js';
import { inWords, type Report } from '../../management/import/importReport.js';
import { FORMATS } from '../../management/import/rows.js';
import { described } from '../describe.js';
import { EXIT } from '../exit.js';
import type { ImportOptions } from '../import/runImport.js';
import { json } from '../commandOptions.js';
import { openTerminal } from '../terminal.js';
import { jsonText, visibleLines } from '../visibleText.js';

/** Works on the store of the settings and never over HTTP, because hashes don't belong in an API. */
export function importCommand(): Command {
  const command = described({
    name: 'import',
    description:
      'Import keys of another system by their hashes, so that their tokens keep working. ' +
      'Nothing is written without --apply. ' +
      'It uses the store in the settings (MONGODB_URI or DATA_DIR, and KEY_PEPPER), also while a server is running. ' +
      'The exit code is 1 if there are problems.',
    example: 'latchkey import apikey.jsonl --from better-auth --mapping mapping.yaml',
  })
    .argument('<file>', 'JSON Lines, a JSON array or CSV; - reads standard input')
    .addOption(new Option('--from <source>', 'format of the keys').choices(SOURCES).makeOptionMandatory())
    .option('--mapping <file>', 'file that maps columns, scopes and owners, in YAML or JSON')
    .addOption(
      new Option('--format <format>', 'format of the file (default: from its name, otherwise jsonl)').choices(FORMATS),
    )
    .option('--workspace <id>', 'workspace of the imported keys', 'default')
    .option('--default-scopes <scopes>', 'scopes for keys that have none, separated by commas')
    .option('--schema <file>', 'schema of your own server, to check scopes against')
    .option('--actions <actions>', 'actions in scopes in addition to read and write, separated by commas')
    .option('--apply', 'write the keys')
    .option('--skip-problems', 'with --apply: skip rows that have problems');
  return json(command).action(async (file: string, options: ImportOptions) => {
    const { runImport } = await import('../import/runImport.js');
    const terminal = openTerminal();
    const report = await runImport(file, options, (text) => terminal.progress(text));
    terminal.progressEnd();
    terminal.out(options.json === true ? jsonText(report) : visibleLines(inWords(report)));
    const next = nextStep(report, options);
    if (next !== null) terminal.note(next);
    if (report.problemCount > 0) process.exitCode = EXIT.failed;
  });
}

function nextStep({ dryRun, problemCount, imported }: Report, { apply }: ImportOptions): string | null {
  if (!dryRun) return null;
  if (apply === true) {
    return 'Nothing was written, because there are problems. Correct them, or skip these rows with --skip-problems.';
  }
  if (problemCount > 0 || imported === 0) return null;
  return 'Nothing was written: this was a dry run. Run it again with --apply.';
}
