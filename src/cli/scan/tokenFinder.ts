import { encodedTokens } from './encoded.js';

/** A token in a text. Contains only the part of the token that may be shown. */
export interface Find {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** As in `lks_live_4fQ9aB`. */
  readonly prefix: string;
}

/** Longer than any encoded token: 71 characters, each encoded in up to 20, or wrapped base64 of that. */
const LONGEST = 2_048;

const LINE_FEED = 0x0a;

/** The displayed part of a token: its prefix and the first six characters of its lookup ID. */
const SHOWN = /^[a-z0-9]+_(?:live|test)_[0-9A-Za-z]{6}/;

/**
 * Finds tokens in a text that arrives in parts. Keeps at most one part and the length of an encoded token. Searches
 * bytes, because a token is ASCII in all common text encodings except UTF-16.
 */
export class TokenFinder {
  #rest = Buffer.alloc(0);
  /** The position of the first kept byte. */
  #place = { line: 1, column: 1 };
  /** The beginnings of tokens in the kept bytes that were already found. */
  #known = new Set<number>();

  /** Returns the tokens that are complete so far. */
  push(part: Uint8Array): Find[] {
    const bytes = Buffer.concat([this.#rest, part]);
    const finds: Find[] = [];
    const known = new Set<number>();
    const place = { ...this.#place };
    // Tokens that began before this position were complete.
    const kept = Math.max(0, bytes.length - LONGEST);
    let passed = 0;
    for (const { index, token } of encodedTokens(bytes.toString('latin1'))) {
      if (index >= kept) known.add(index - kept);
      if (this.#known.has(index)) continue;
      pass(place, bytes.subarray(passed, index));
      passed = index;
      finds.push({ ...place, prefix: SHOWN.exec(token)?.[0] ?? '' });
    }
    pass(this.#place, bytes.subarray(0, kept));
    this.#known = known;
    // A copy, because a view would keep the whole part in memory.
    this.#rest = Buffer.from(bytes.subarray(kept));
    return finds;
  }
}

/** Counts lines and characters. In UTF-8, every byte of a character except the first is 10xxxxxx. */
function pass(place: { line: number; column: number }, bytes: Uint8Array): void {
  for (const byte of bytes) {
    if (byte === LINE_FEED) {
      place.line += 1;
      place.column = 1;
    } else if ((byte & 0xc0) !== 0x80) place.column += 1;
  }
}
