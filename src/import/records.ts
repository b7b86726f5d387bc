/** A record of the input as text, before anything is made of it. */
export interface RawRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  /** null: it is longer than {@link MAX_RECORD}. */
  readonly text: string | null;
}

/** Of one record, in characters: what is longer is no row of keys, and is read past without being kept. */
export const MAX_RECORD = 65_536;

/** Gathers a record's characters, and of one that is too long no more than that it is. */
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

  /** What was gathered, and begins anew. */
  take(): string | null {
    const text = this.#tooLong ? null : this.#text;
    this.#text = '';
    this.#tooLong = false;
    return text;
  }
}

/** One record a line. Empty lines are none. */
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
