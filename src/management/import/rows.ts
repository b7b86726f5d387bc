import { recordsIn } from './csv.js';
import { ImportFault } from './importFault.js';
import { itemsIn } from './jsonArray.js';
import { walk } from '../../shared/numbers/jsonNumbers.js';
import { normalise } from '../../shared/text/characters.js';
import { encodingOf } from '../../shared/files/wholeFile.js';
import { linesIn, MAX_RECORD, type RawRecord } from './rawRecords.js';
import { repeatedName } from './repeated.js';

export const FORMATS = ['jsonl', 'json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** A row of the other system's table, or the problem of a record that can't be read. */
export type Row = { readonly line: number; readonly fields: Fields } | Problem;

interface Problem {
  readonly line: number;
  readonly problem: string;
  /** It is not certain where the record ends, so other rows may have been read wrongly. No row may be imported. */
  readonly blocks?: true;
}

/** Cells by column. A Map, because the names of columns are input. */
export type Fields = ReadonlyMap<string, unknown>;

const TOO_LONG = `The row has more than ${MAX_RECORD} characters. Leave large columns out of the export.`;
/** The deepest nesting of a row. No column of an export needs more, and comparing deeper cells would exhaust the stack. */
const MAX_DEPTH = 100;

const TOO_DEEP = `The row nests deeper than ${MAX_DEPTH} levels. Leave such columns out of the export.`;
const BLOCKS = 'Until then no row can be imported, because the rows after it may have been read wrongly.';
const INVALID_LINE = { problem: 'The row is not valid JSON. Export it again, or set its format with --format.' };
const INVALID_ITEM = {
  problem: `The array has an item that is not valid JSON. Export it again. ${BLOCKS}`,
  blocks: true,
} as const;
const NO_OBJECT = 'The row is not a JSON object. Write one object with columns for each key.';

/**
 * Yields the rows of an export as they arrive.
 * @throws ImportFault if the whole input cannot be read
 */
export async function* readRows(bytes: AsyncIterable<Uint8Array>, format: Format): AsyncGenerator<Row> {
  const text = decoded(bytes);
  if (format === 'csv') yield* fromCsv(text);
  else if (format === 'jsonl') for await (const record of linesIn(text)) yield fromJson(record, INVALID_LINE);
  else for await (const record of itemsIn(text)) yield fromJson(record, INVALID_ITEM);
}

/**
 * Decodes UTF-8, or UTF-16 with a byte order mark, as PowerShell and spreadsheets write it.
 *
 * @throws ImportFault for anything else. Replacement characters could turn a name into another key's name
 */
async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let isEmpty = true;
  for await (const chunk of withHead(bytes)) {
    decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
    const text = decode(decoder, chunk);
    if (text.includes('\0')) throw new ImportFault(`The input is not text: it has NUL bytes. ${EXPORT}`);
    isEmpty &&= text.trim() === '';
    yield text;
  }
  yield decoder === null ? '' : decode(decoder);
  if (isEmpty) throw new ImportFault('The input is empty. Export the rows again, or give another file.');
}

const EXPORT = 'Export it as JSON Lines, a JSON array or CSV in UTF-8, and decompress what is compressed.';

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new ImportFault(`The input is not text in UTF-8 or UTF-16. ${EXPORT}`);
  }
}

/** Yields the same bytes, with at least two in the first chunk for the byte order mark. A pipe may deliver a single byte. */
async function* withHead(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array();
  for await (const chunk of bytes) {
    if (head === null) yield chunk;
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length < 2) continue;
      yield head;
      head = null;
    }
  }
  if (head !== null && head.length > 0) yield head;
}

/** @param invalid the problem of a record that is not valid JSON */
function fromJson({ line, text }: RawRecord, invalid: Omit<Problem, 'line'>): Row {
  if (text === null) return { line, problem: TOO_LONG };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { line, problem: NO_OBJECT };
    if (depthOf(text) > MAX_DEPTH) return { line, problem: TOO_DEEP };
    const repeated = repeatedName(text);
    if (repeated !== null) {
      const name = JSON.stringify(repeated.slice(0, 100));
      return { line, problem: `The row has the name ${name} twice in one object. Remove one of them.` };
    }
    return { line, fields: new Map(Object.entries(value).map(([column, cell]) => [normalise(column), cell])) };
  } catch {
    return { line, ...invalid };
  }
}

/** Returns how deep lists and objects of a valid JSON text are nested. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  const ignore = (): void => undefined;
  walk(text, {
    open() {
      depth += 1;
      deepest = Math.max(deepest, depth);
    },
    close() {
      depth -= 1;
    },
    text: ignore,
    number: ignore,
    word: ignore,
  });
  return deepest;
}

/** Parses CSV. An empty cell means no value, because CSV can't distinguish it from an empty text. */
async function* fromCsv(text: AsyncIterable<string>): AsyncGenerator<Row> {
  let header: readonly string[] | null = null;
  let isHeaderValid = true;
  for await (const record of recordsIn(text)) {
    const { line } = record;
    if ('fault' in record) {
      yield { line, problem: `${record.fault} ${BLOCKS}`, blocks: true };
      isHeaderValid &&= header !== null;
      continue;
    }
    // The columns of these rows are not known.
    if (!isHeaderValid) continue;
    const { cells } = record;
    if (header === null) {
      const columns = cells?.map(normalise) ?? null;
      if (new Set(columns).size !== columns?.length) {
        throw new ImportFault('The first record has to name the columns, each once. Export it with a header.');
      }
      header = columns;
    } else if (cells === null) yield { line, problem: TOO_LONG };
    else if (cells.length !== header.length) {
      yield { line, problem: `The row has ${cells.length} cells and the header ${header.length}. Export it again.` };
    } else {
      yield { line, fields: new Map(header.map((column, i) => [column, cells[i] === '' ? null : cells[i]])) };
    }
  }
}
