import { nextToken } from '../../text/wholeToken.js';

/** A token in a text. Of the token itself nothing is kept but what may be shown. */
export interface Find {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** As in `sk_live_4fQ9aB`. */
  readonly prefix: string;
}

/** The longest that the expression matches: ten of prefix, `_live_`, 54 of body; with what stands on both sides. */
const LONGEST = 11 + '_live_'.length + 54;

const LINE_FEED = 0x0a;

/** What is shown of a token: its prefix and the first six of its lookup id. */
const SHOWN = /^[a-z0-9]+_(?:live|test)_[0-9A-Za-z]{6}/;

/**
 * Finds tokens in text that comes in parts, holding no more than a part and the length of a token. It looks at bytes: a
 * token is ASCII in every encoding that is met in files of text, but for UTF-16.
 */
export class TokenFinder {
  #rest = Buffer.alloc(0);
  #line = 1;
  #column = 1;

  /** Tokens that are whole by now. The last that a part holds may wait for the next, for it may go on there. */
  push(part: Uint8Array): Find[] {
    return this.#look(Buffer.concat([this.#rest, part]), false);
  }

  /** Those that were waiting for more. */
  end(): Find[] {
    return this.#look(this.#rest, true);
  }

  #look(bytes: Buffer, last: boolean): Find[] {
    const text = bytes.toString('latin1');
    const finds: Find[] = [];
    let told = 0;
    // What begins later than this could be longer than what is here.
    const until = last ? text.length : Math.max(0, text.length - LONGEST);
    let at = 0;
    for (let found = nextToken(text, at); found !== null && found.index < until; found = nextToken(text, at)) {
      const { index, token } = found;
      this.#pass(bytes.subarray(told, index));
      told = index;
      finds.push({ line: this.#line, column: this.#column, prefix: SHOWN.exec(token)?.[0] ?? '' });
      at = index + token.length;
    }
    const kept = Math.max(at, until);
    this.#pass(bytes.subarray(told, kept));
    // A copy: a view would keep the part.
    this.#rest = Buffer.from(bytes.subarray(kept));
    return finds;
  }

  /** Counts lines and characters: of a character in UTF-8 each byte but the first is 10xxxxxx. */
  #pass(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === LINE_FEED) {
        this.#line += 1;
        this.#column = 1;
      } else if ((byte & 0xc0) !== 0x80) this.#column += 1;
    }
  }
}
