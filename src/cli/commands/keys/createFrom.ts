import { faultLines } from '../../../shared/settings/error.js';
import { csvCell } from '../../../management/usage/usageExport.js';
import { recordsIn } from '../../../management/import/csv.js';
import { given } from '../../commandOptions.js';
import { Failure, usage } from '../../exit.js';
import { readNamed, textIn } from '../../files.js';
import type { Talk } from '../../talk.js';
import { momentOf } from '../../times.js';
import { operation } from '../../typedOperation.js';
import { jsonText } from '../../visibleText.js';

/** The number of keys in one request. Hashing them takes a few seconds. */
const TOGETHER = 100;

/** The size of a file, in bytes. */
const MAX_FILE = 10 * 2 ** 20;

interface MadeKey {
  readonly token: string;
  readonly apiKey: { readonly id: string; readonly name: string };
}

const CREATE_MANY = operation<
  { readonly createApiKeys: { readonly keys: readonly MadeKey[] } },
  { readonly input: readonly object[] }
>(
  `mutation CreateKeys($input: [CreateApiKeyInput!]!) {
    createApiKeys(input: $input) { keys { token apiKey { id name } } }
  }`,
);

/** The columns of the file, by the fields of the input. */
const COLUMNS = {
  name: 'name',
  scopes: 'scopes',
  type: 'type',
  env: 'environment',
  expires: 'expiresAt',
  project: 'projectId',
  user: 'userId',
  'external-id': 'externalId',
} as const;

type Column = keyof typeof COLUMNS;

/**
 * Creates a key for each row of a CSV file, and prints the tokens as CSV, or with `--json` as JSON Lines. Prints them after
 * each request, so that an interruption loses no token of an earlier one.
 *
 * @param common the input for all keys; a row can have other values
 */
export async function createFrom(path: string, common: object, told: Talk, asJson: boolean): Promise<void> {
  const inputs = (await rowsIn(path)).map((row) => ({ ...common, ...row }));
  if (!asJson) told.terminal.out('name,id,token');
  let done = 0;
  for (let i = 0; i < inputs.length; i += TOGETHER) {
    const { keys } = (await requested(told, inputs.slice(i, i + TOGETHER), done)).createApiKeys;
    for (const { token, apiKey } of keys) {
      const { id, name } = apiKey;
      told.terminal.out(asJson ? jsonText({ name, id, token }, 0) : [name, id, token].map(csvCell).join(','));
    }
    done += keys.length;
    told.terminal.progress(`${done} of ${inputs.length} keys created`);
  }
  told.terminal.progressEnd();
  told.terminal.note('Store the tokens now: the server keeps only hashes of them and cannot show them again.');
}

/** @throws Failure that says how many keys exist */
async function requested({ ask }: Talk, input: readonly object[], done: number) {
  try {
    return await ask(CREATE_MANY, { input });
  } catch (error) {
    if (done > 0 && error instanceof Error) {
      error.message = `${error.message} The keys of the first ${done} rows were created and are printed. Remove these rows before you run the command again.`;
    }
    throw error;
  }
}

/** Returns the inputs in a file. @throws Failure with the faults of all rows */
async function rowsIn(path: string): Promise<object[]> {
  const text = await readNamed(`--from: ${path}`, () => textIn(path, MAX_FILE));
  let columns: readonly Column[] | null = null;
  const rows: object[] = [];
  const faults: string[] = [];
  for await (const record of recordsIn(chunksOf(text))) {
    if ('fault' in record) faults.push(invalid(path, record.line, record.fault).message);
    else if (record.cells === null) faults.push(invalid(path, record.line, 'The row is too long.').message);
    else if (columns === null) columns = columnsIn(path, record.cells);
    else {
      const row = inputOrFault(path, record.line, columns, record.cells);
      if (row instanceof Failure) faults.push(row.message);
      else rows.push(row);
    }
  }
  if (faults.length > 0) throw usage(faultLines(faults));
  if (rows.length === 0)
    throw usage(`--from: ${path} has no rows. The first line names the columns, such as name,scopes.`);
  return rows;
}

async function* chunksOf(text: string): AsyncGenerator<string> {
  yield text;
}

function columnsIn(path: string, cells: readonly string[]): Column[] {
  const columns = cells.map((cell) => cell.trim().toLowerCase());
  const unknown = columns.find((column) => !Object.hasOwn(COLUMNS, column));
  const names = Object.keys(COLUMNS).join(', ');
  if (unknown !== undefined || !columns.includes('name')) {
    throw usage(`--from: the first line of ${path} names the columns: name, and any of ${names}.`);
  }
  return columns as Column[];
}

function inputOrFault(...row: Parameters<typeof inputOf>): object | Failure {
  try {
    return inputOf(...row);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function inputOf(path: string, line: number, columns: readonly Column[], cells: readonly string[]): object {
  if (cells.length !== columns.length) {
    throw invalid(path, line, `The row has ${cells.length} cells, and the first line ${columns.length}.`);
  }
  // An empty cell is as if it were missing.
  const filled = columns.flatMap((column, i) => {
    const text = (cells[i] ?? '').trim();
    return text === '' ? [] : [[column, text] as const];
  });
  const row = new Map<Column, string>(filled);
  const cell = (column: Column): string | undefined => row.get(column);
  const expires = cell('expires');
  return given({
    name: cell('name') ?? '',
    scopes: cell('scopes')?.split(/[\s,;]+/),
    type: cell('type')?.toUpperCase().replaceAll('-', '_'),
    environment: cell('env')?.toUpperCase(),
    expiresAt: expires === undefined ? undefined : momentOf(`${path}, line ${line}: expires`, expires),
    projectId: cell('project'),
    userId: cell('user'),
    externalId: cell('external-id'),
  });
}

function invalid(path: string, line: number, fault: string): Failure {
  return usage(`--from: ${path}, line ${line}: ${fault}`);
}
