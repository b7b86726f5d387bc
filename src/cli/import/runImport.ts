import { extname } from 'node:path';
import { applyImport, ImportStopped } from '../../management/import/apply.js';
import { ImportFault } from '../../management/import/importFault.js';
import { mappingOf, type Mapping } from '../../management/import/mapping.js';
import { planImport, type Plan } from '../../management/import/plan.js';
import type { Source } from '../../management/import/presets.js';
import { reportOf, type Report } from '../../management/import/importReport.js';
import { FORMATS, readRows, type Format } from '../../management/import/rows.js';
import { scopeNames } from '../../management/import/scopeNames.js';
import { KnownScopes } from '../../core/keys/knownScopes.js';
import { Peppers, pepperOfDirectory } from '../../core/keys/pepper.js';
import { servedTypeDefs } from '../../server/servedTypeDefs.js';
import { readSettings, SettingsError, type Settings } from '../../server/settings/settings.js';
import { parseYaml } from '../../server/settings/yaml.js';
import { ENDPOINT_SCOPES } from '../../core/scopes/endpointScopes.js';
import { describeStore, openStore, outageOf } from '../../core/store/open.js';
import type { Store } from '../../core/store/store.js';
import { FileFault } from '../../shared/files/wholeFile.js';
import { usage } from '../exit.js';
import { contentOf, readNamed, textIn } from '../files.js';

/** The maximum size of a mapping or a schema. */
const MAX_BYTES = 1_000_000;

/** The number of keys between two progress messages. */
const PROGRESS_EACH = 1_000;

export interface ImportOptions {
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
 * Imports into the store of the settings. A server may be running.
 * @param onProgress called with a message about the progress
 * @throws Failure if the command, the settings or the input is invalid
 */
export async function runImport(
  file: string,
  options: ImportOptions,
  onProgress: (text: string) => void,
): Promise<Report> {
  try {
    return await importKeys(file, options, onProgress);
  } catch (error) {
    if (error instanceof ImportFault || error instanceof SettingsError) throw usage(error.lines);
    throw error;
  }
}

async function importKeys(file: string, options: ImportOptions, onProgress: (text: string) => void): Promise<Report> {
  const settings = readSettings();
  const mapping = await mappingFor(options);
  const own = await scopesFor(options, settings);
  // An import into an empty installation is a mistake.
  const { missingDirectory } = describeStore(settings);
  if (missingDirectory !== null) {
    throw new ImportFault(
      `There is no ${missingDirectory}. Start the server once, or set DATA_DIR to where it has its store.`,
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
    const knownScopes = await scopesWith(own, store);
    const rows = readRows(inputOf(file), formatOf(file, options));
    const workspaceId = options.workspace;
    const plan = await planImport(rows, { store, mapping, workspaceId, knownScopes, ceilings, tiers, now: Date.now() });
    return isApplied(plan, options) ? await apply(plan, { mapping, store, settings, onProgress }) : reportOf(plan);
  } catch (error) {
    throw error instanceof ImportStopped ? await stopped(error, settings) : error;
  } finally {
    await store.close();
  }
}

async function stopped({ done, of, cause }: ImportStopped, settings: Settings): Promise<Error> {
  const fault = await outageOf(settings, cause);
  return new Error(
    `The import stopped after ${done} of ${of} keys. ${fault} Then run the same command again: it skips keys that are already imported.`,
    { cause },
  );
}

interface ApplyOptions {
  readonly mapping: Mapping;
  readonly store: Store;
  readonly settings: Settings;
  readonly onProgress: (text: string) => void;
}

async function apply(plan: Plan, { mapping, store, settings, onProgress }: ApplyOptions): Promise<Report> {
  const peppers = Peppers.of(peppersOf(settings));
  const { tiers } = settings.configuration;
  const tell = (done: number, of: number): void => {
    if (done % PROGRESS_EACH === 0) onProgress(`${done} of ${of} keys written`);
  };
  return reportOf(
    plan,
    await applyImport(plan.keys, { store, mapping, peppers, tiers, now: Date.now, onProgress: tell }),
  );
}

/** A problem of the whole input applies to each of its rows. */
function isApplied({ problems, isBlocked }: Plan, { apply: asked, skipProblems }: ImportOptions): boolean {
  if (asked !== true || isBlocked) return false;
  return problems.length === 0 || (skipProblems === true && problems.every(({ line }) => line !== null));
}

async function mappingFor({ from, mapping, defaultScopes }: ImportOptions): Promise<Mapping> {
  const content = mapping === undefined ? undefined : parseYaml(await textOf(mapping), mapping);
  const read = mappingOf(from, content);
  return defaultScopes === undefined ? read : { ...read, defaultScopes: listOf(defaultScopes) };
}

async function scopesFor({ schema, actions }: ImportOptions, { configuration }: Settings): Promise<readonly string[]> {
  const text = schema === undefined ? null : await textOf(schema);
  try {
    return scopeNames(text ?? servedTypeDefs(configuration.demo), listOf(actions ?? ''));
  } catch (error) {
    if (text === null && actions === undefined) throw error;
    const { message, line } = schemaFault(error);
    throw new ImportFault(`${schema ?? 'The schema'}${line} is not a schema that can be used: ${message}`);
  }
}

/** Returns the scopes that keys on the store can have: those of the schema, and those that servers on the store have published. */
async function scopesWith(own: readonly string[], { guardedSchemas: schemas }: Store): Promise<readonly string[]> {
  const known = new KnownScopes({ schemas, always: [...ENDPOINT_SCOPES, ...own], now: Date.now });
  return (await known.list()).map(({ scope }) => scope);
}

function schemaFault(error: unknown): { readonly message: string; readonly line: string } {
  const { message, locations } = error as { message: string; locations?: readonly { readonly line: number }[] };
  const [place] = locations ?? [];
  return { message, line: place === undefined ? '' : `, line ${place.line},` };
}

function formatOf(file: string, { format }: ImportOptions): Format {
  const byName = extname(file).slice(1).toLowerCase();
  return format ?? FORMATS.find((each) => each === byName) ?? 'jsonl';
}

async function* inputOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* contentOf(file);
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    throw new ImportFault(`${file === '-' ? 'Standard input' : file} ${error.message}. ${error.remedy}`);
  }
}

function textOf(path: string): Promise<string> {
  return readNamed(path, () => textIn(path, MAX_BYTES));
}

/** Returns the server's peppers: digests under another pepper would have to be written again. */
function peppersOf(settings: Settings): readonly string[] {
  if (settings.peppers.length > 0) return settings.peppers;
  const { pepperDirectory } = describeStore(settings);
  return pepperDirectory === null ? [] : [pepperOfDirectory(pepperDirectory)];
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
