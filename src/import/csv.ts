import { ImportFault } from './fault.js';
import { Gathered, MAX_RECORD } from './records.js';

export interface CsvRecord {
  readonly line: number;
  /** null: the record is longer than {@link MAX_RECORD}. */
  readonly cells: readonly string[] | null;
}

/**
 * Parses comma-separated values (RFC 4180). Cells in quotes can contain commas, line breaks and doubled quotes.
 * @throws ImportFault if a quote is never closed
 */
export async function* recordsIn(chunks: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  const cell = new Gathered();
  let cells: (string | null)[] = [];
  let size = 0;
  let line = 1;
  let began = 1;
  let quoted = false;
  /** Whether the last character was a quote inside quotes, which ends the cell or is the first of two. */
  let closing = false;
  const endCell = (): void => {
    const text = cell.take();
    size += 1 + (text?.length ?? 0);
    // The content of a record that is too long is dropped.
    if (size > MAX_RECORD) cells = [null];
    else cells.push(text);
  };
  const endRecord = (): CsvRecord | null => {
    if (cells.length === 0 && cell.empty) return null;
    endCell();
    const whole = cells.filter((each) => each !== null);
    const record = { line: began, cells: whole.length === cells.length ? whole : null };
    cells = [];
    size = 0;
    return record;
  };
  for await (const chunk of chunks) {
    for (const character of chunk) {
      if (cells.length === 0 && cell.empty && !quoted) began = line;
      if (character === '\n') line += 1;
      if (quoted && !closing) {
        if (character === '"') closing = true;
        else cell.add(character);
        continue;
      }
      const twice = closing && character === '"';
      if (closing) quoted = twice;
      closing = false;
      if (twice) cell.add(character);
      else if (character === '"') quoted = true;
      else if (character === ',') endCell();
      else if (character === '\n') {
        const record = endRecord();
        if (record !== null) yield record;
      } else if (character !== '\r') cell.add(character);
    }
  }
  if (quoted && !closing) {
    throw new ImportFault(
      `The input ends inside the quotes that begin in the record of line ${began}. Export it again.`,
    );
  }
  const last = endRecord();
  if (last !== null) yield last;
}
