import { Command, Option } from 'commander';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { applyImport } from '../../import/apply.js';
import { ImportFault } from '../../import/fault.js';
import { mappingOf, type Mapping } from '../../import/mapping.js';
import { planImport, type Plan } from '../../import/plan.js';
import { SOURCES, type Source } from '../../import/presets.js';
import { inWords, reportOf, type Report } from '../../import/report.js';
import { FORMATS, readRows, type Format } from '../../import/rows.js';
import { scopeNames } from '../../import/scopeNames.js';
import { Peppers, pepperOfDirectory } from '../../keys/pepper.js';
import { readSettings, SettingsError, type Settings } from '../../settings/settings.js';
import { parseYaml } from '../../settings/yaml.js';
import { openStore } from '../../store/open.js';
import type { Store } from '../../store/store.js';

/** Of a mapping and of a schema: what people write. */
const MAX_BYTES = 1_000_000;

/** Keys between two words of progress. */
const PROGRESS_EACH = 1_000;

interface Options {
  readonly from: Source;
  readonly mapping?: string;
  readonly format?: Format;
  readonly workspace: string;
  readonly defaultScopes?: string;
  readonly schema?: string;
  readonly actions?: string;
  readonly apply?: true;
  readonly skipProblems?: true;
  readonly json?: true;
}

/**
 * `latchkey import`: works on the store that the settings name, beside a running server or without one. Never over HTTP,
 * for digests are no API's business.
 */
export function importCommand(): Command {
  return new Command('import')
    .description(
      'Take over keys of another system by their digests, so that their tokens go on working. ' +
        'Nothing is written without --apply. The store is that of the settings (MONGODB_URI or DATA_DIR, and KEY_PEPPER). ' +
        'The exit code is 1 where there are problems.',
    )
    .argument('<file>', 'rows as JSON Lines, a JSON array or CSV; - reads standard input')
    .addOption(new Option('--from <source>', 'what the rows are').choices(SOURCES).makeOptionMandatory())
    .option('--mapping <file>', 'columns, scopes and owners, in YAML or JSON')
    .addOption(new Option('--format <format>', 'default: by the file’s name, else jsonl').choices(FORMATS))
    .option('--workspace <id>', 'where the keys go', 'default')
    .option('--default-scopes <scopes>', 'of keys that have none there, separated by commas')
    .option('--schema <file>', 'your own schema, where the server is yours; scopes are held against it')
    .option('--actions <actions>', 'actions of its scopes beside read and write, separated by commas')
    .option('--apply', 'write the keys')
    .option('--skip-problems', 'with --apply: leave out the rows that have problems')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', '\nExample:\n  latchkey import apikey.jsonl --from better-auth --mapping mapping.yaml')
    .action(async (file: string, options: Options, command: Command) => {
      try {
        const report = await importKeys(file, options);
        process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : inWords(report));
        if (report.dryRun) process.stderr.write(nextStep(report, options));
        if (report.problemCount > 0) process.exitCode = 1;
      } catch (error) {
        if (!(error instanceof ImportFault) && !(error instanceof SettingsError)) throw error;
        command.error(error.message, { exitCode: 2, code: 'latchkey.usage' });
      }
    });
}

async function importKeys(file: string, options: Options): Promise<Report> {
  const settings = readSettings();
  const mapping = mappingFor(options);
  const knownScopes = scopesFor(options);
  // The engine would make it anew, and an empty installation is none to import into.
  if (settings.mongodbUri === null && !existsSync(settings.dataDir)) {
    throw new ImportFault(
      `There is no ${settings.dataDir}. Start the server once, or set DATA_DIR to where it has its store.`,
    );
  }
  const store = await openStore(settings);
  try {
    if ((await store.workspaces.find(options.workspace)) === null) {
      throw new ImportFault(
        `There is no workspace ${options.workspace}. Start the server once, or correct --workspace.`,
      );
    }
    const { ceilings, tiers } = settings.configuration;
    const rows = readRows(inputOf(file), formatOf(file, options));
    const workspaceId = options.workspace;
    const plan = await planImport(rows, { store, mapping, workspaceId, knownScopes, ceilings, tiers, now: Date.now() });
    return isApplied(plan, options) ? await apply(plan, mapping, store, settings) : reportOf(plan);
  } finally {
    await store.close();
  }
}

async function apply(plan: Plan, mapping: Mapping, store: Store, settings: Settings): Promise<Report> {
  const peppers = Peppers.of(peppersOf(settings));
  const { tiers } = settings.configuration;
  const onProgress = (done: number, of: number): void => {
    if (done % PROGRESS_EACH === 0 && done < of) process.stderr.write(`${done} of ${of} keys written.\n`);
  };
  return reportOf(plan, await applyImport(plan.keys, { store, mapping, peppers, tiers, now: Date.now, onProgress }));
}

/** What is wrong with the input as a whole is wrong with each of its rows. */
function isApplied({ problems }: Plan, { apply: asked, skipProblems }: Options): boolean {
  if (asked !== true) return false;
  return problems.length === 0 || (skipProblems === true && problems.every(({ line }) => line !== null));
}

function nextStep({ problemCount, imported }: Report, { apply: asked }: Options): string {
  if (asked === true)
    return 'Nothing was written, for there are problems. Correct them, or leave those rows out with --skip-problems.\n';
  return problemCount === 0 && imported > 0
    ? 'Nothing was written: this was a dry run. Run it again with --apply.\n'
    : '';
}

function mappingFor({ from, mapping, defaultScopes }: Options): Mapping {
  const content = mapping === undefined ? undefined : parseYaml(textOf(mapping), mapping);
  const read = mappingOf(from, content);
  return defaultScopes === undefined ? read : { ...read, defaultScopes: listOf(defaultScopes) };
}

function scopesFor({ schema, actions }: Options): readonly string[] {
  const text = schema === undefined ? null : textOf(schema);
  try {
    return scopeNames(text, listOf(actions ?? ''));
  } catch (error) {
    if (text === null && actions === undefined) throw error;
    throw new ImportFault(`The schema cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function formatOf(file: string, { format }: Options): Format {
  const byName = extname(file).slice(1).toLowerCase();
  return format ?? FORMATS.find((each) => each === byName) ?? 'jsonl';
}

async function* inputOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file === '-' ? process.stdin : createReadStream(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function textOf(path: string): string {
  try {
    if (statSync(path).size <= MAX_BYTES) return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new ImportFault(`${path} has more than ${MAX_BYTES} bytes. Is it the file that is meant?`);
}

function unreadable(path: string, error: unknown): ImportFault {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new ImportFault(`${path} cannot be read (${code}). Correct the path, or let this process read it.`);
}

/** The same as the server's: digests under another pepper would have to be written anew. */
function peppersOf({ peppers, mongodbUri, dataDir }: Settings): readonly string[] {
  if (peppers.length > 0) return peppers;
  return mongodbUri === null ? [pepperOfDirectory(dataDir)] : [];
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
