import { Gathered, MAX_RECORD } from './rawRecords.js';

type CsvRecord =
  | {
      /** Where it begins, from 1. */
      readonly line: number;
      /** null if it is longer than a record may be. */
      readonly cells: readonly string[] | null;
    }
  /** The record is not valid CSV. `line` is the line of the fault. */
  | { readonly line: number; readonly fault: string };

const REMEDY = 'Write each quote inside a cell twice and enclose the cell in quotes, as in "5"" disk".';
const INSIDE = `A cell that is not enclosed in quotes contains a quote ("). ${REMEDY}`;
const UNCLOSED = `The quotes that open in this line are never closed. Close them. ${REMEDY}`;
const CARRIAGE_RETURN =
  'A cell contains a carriage return (CR) without a line feed (LF). End lines with LF or CR LF, and enclose cells that contain line breaks in quotes.';

function afterQuotes(opened: number): string {
  return `Text follows the closing quote of a cell whose quotes open in line ${opened}. ${REMEDY}`;
}

type State =
  | 'start'
  | 'plain'
  | 'quoted'
  /** After a quote within quotes: it closes them, or is the first of two. */
  | 'closing'
  /** Whether the previous character was a CR outside quotes. */
  | 'return'
  /** In the rest of the line after a fault. */
  | 'fault';

/**
 * Returns the records of comma-separated values, strictly by RFC 4180: cells in quotes may contain commas, line breaks, and quotes
 * written twice; other cells contain no quotes. A reader that accepts more would take one row's text for another row's dates.
 * Lines end with LF or CR LF. Empty lines are ignored.
 *
 * The package csv-parse is not used: after text behind closing quotes it skips the next row, too, and it accepts a CR without an LF
 * within a cell. An import must not lose a row, and reports each fault with its line.
 */
export async function* recordsIn(chunks: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  const reader = new Reader();
  for await (const chunk of chunks) {
    for (const character of chunk) {
      const record = reader.read(character);
      if (record !== null) yield record;
    }
  }
  const last = reader.end();
  if (last !== null) yield last;
}

class Reader {
  #state: State = 'start';
  #line = 1;
  /** The line where the record begins; null if it has no characters yet. */
  #began: number | null = null;
  /** The line where the quotes of the cell open. */
  #opened = 1;
  readonly #cell = new Gathered();
  #cells: (string | null)[] = [];
  #size = 0;

  read(character: string): CsvRecord | null {
    const record = this.#next(character);
    if (character === '\n') this.#line += 1;
    return record;
  }

  end(): CsvRecord | null {
    if (this.#state === 'quoted') return { line: this.#opened, fault: UNCLOSED };
    return this.#state === 'return' ? this.#fault(CARRIAGE_RETURN) : this.#endRecord();
  }

  #next(character: string): CsvRecord | null {
    switch (this.#state) {
      case 'quoted':
        if (character === '"') this.#state = 'closing';
        else this.#cell.add(character);
        return null;
      case 'return':
        return character === '\n' ? this.#endRecord() : this.#fault(CARRIAGE_RETURN);
      case 'fault':
        return character === '\n' ? this.#endRecord() : null;
      case 'start':
      case 'plain':
      case 'closing':
        return this.#outside(character);
    }
  }

  /** Reads a character that may end the cell. */
  #outside(character: string): CsvRecord | null {
    if (character === '\n') return this.#endRecord();
    if (character === '\r') {
      this.#state = 'return';
      return null;
    }
    this.#began ??= this.#line;
    if (character === ',') this.#endCell();
    else if (character === '"') return this.#quote();
    else if (this.#state === 'closing') return this.#fault(afterQuotes(this.#opened));
    else {
      this.#state = 'plain';
      this.#cell.add(character);
    }
    return null;
  }

  #quote(): CsvRecord | null {
    if (this.#state === 'plain') return this.#fault(INSIDE);
    if (this.#state === 'closing') this.#cell.add('"');
    else this.#opened = this.#line;
    this.#state = 'quoted';
    return null;
  }

  #endCell(): void {
    const text = this.#cell.take();
    this.#state = 'start';
    this.#size += 1 + (text?.length ?? 0);
    // Of a record that is too long, nothing more is kept.
    if (this.#size > MAX_RECORD) this.#cells = [null];
    else this.#cells.push(text);
  }

  #endRecord(): CsvRecord | null {
    const line = this.#began;
    if (line !== null) this.#endCell();
    const cells = this.#cells;
    this.#clear('start');
    if (line === null) return null;
    const whole = cells.filter((cell) => cell !== null);
    return { line, cells: whole.length === cells.length ? whole : null };
  }

  #fault(fault: string): CsvRecord {
    this.#clear('fault');
    return { line: this.#line, fault };
  }

  #clear(state: State): void {
    this.#state = state;
    this.#began = null;
    this.#cell.take();
    this.#cells = [];
    this.#size = 0;
  }
}
