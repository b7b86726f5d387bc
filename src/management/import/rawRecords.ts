/** A record of the input as text, before it is parsed. */
export interface RawRecord {
  /** The line on which it starts, from 1. */
  readonly line: number;
  /** null if it is longer than {@link MAX_RECORD}. */
  readonly text: string | null;
}

/** The maximum length of a record in characters. Longer records are skipped without keeping them in memory. */
export const MAX_RECORD = 65_536;

/** Collects the characters of a record. Drops them if the record is too long. */
export class Gathered {
  #text = '';
  #tooLong = false;

  get empty(): boolean {
    return this.#text === '' && !this.#tooLong;
  }

  add(text: string): void {
    if (this.#text.length + text.length > MAX_RECORD) {
      this.#tooLong = true;
      this.#text = '';
    }
    if (!this.#tooLong) this.#text += text;
  }

  /** Returns the collected text and starts the next record. @returns null if the record is too long */
  take(): string | null {
    const text = this.#tooLong ? null : this.#text;
    this.#text = '';
    this.#tooLong = false;
    return text;
  }
}

/** Yields one record per line, without empty lines. */
export async function* linesIn(chunks: AsyncIterable<string>): AsyncGenerator<RawRecord> {
  const line = new Gathered();
  let number = 1;
  for await (const chunk of chunks) {
    const [first = '', ...rest] = chunk.split('\n');
    line.add(first);
    for (const next of rest) {
      if (!line.empty) yield { line: number, text: line.take() };
      number += 1;
      line.add(next);
    }
  }
  if (!line.empty) yield { line: number, text: line.take() };
}
