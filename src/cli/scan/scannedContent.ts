import { TokenFinder, type Find } from './tokenFinder.js';

/** A file with NUL among its first bytes is not text, unless it is UTF-16. git goes by the same number of bytes. */
const LOOKED_AT = 8_000;

export type Content = AsyncIterable<Uint8Array>;

/**
 * `binary`: only tokens in plain bytes are found, in ASCII or UTF-16. `compressed`: nothing is found, so the content is not
 * read.
 */
export type Kind = 'text' | 'binary' | 'compressed';

/** The first bytes of archives and compressed files. */
const COMPRESSED: readonly (readonly number[])[] = [
  [0x1f, 0x8b], // gzip
  [0x1f, 0x9d], // compress
  [0x50, 0x4b, 0x03, 0x04], // zip, and with it jar, docx and xlsx
  [0x50, 0x4b, 0x05, 0x06],
  [0x50, 0x4b, 0x07, 0x08],
  [0x42, 0x5a, 0x68], // bzip2
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], // xz
  [0x28, 0xb5, 0x2f, 0xfd], // zstd
  [0x04, 0x22, 0x4d, 0x18], // lz4
  [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], // 7z
  [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07], // rar
  [0x25, 0x50, 0x44, 0x46, 0x2d], // PDF
];

/**
 * Yields the tokens of a stream as they are found, however it is split into chunks. Keeps at most two chunks.
 * @param tell called once with the type of the content
 */
export async function* tokensIn(content: Content, tell: (kind: Kind) => void): AsyncGenerator<Find> {
  let search: Search | null = null;
  for await (const part of withHead(content)) {
    if (search === null) {
      const kind = kindOf(part);
      tell(kind);
      if (kind === 'compressed') return;
      search = searchFor(encodingOf(part));
    }
    yield* search.push(part);
  }
  if (search === null) tell('text');
  else yield* search.end?.() ?? [];
}

/** Returns the same content with a first chunk that is long enough to detect its type: a pipe may deliver single bytes. */
async function* withHead(content: Content): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const part of content) {
    if (head === null) yield part;
    else {
      head = Buffer.concat([head, part]);
      if (head.length < LOOKED_AT) continue;
      yield head;
      head = null;
    }
  }
  if (head !== null && head.length > 0) yield head;
}

function kindOf(head: Uint8Array): Kind {
  if (COMPRESSED.some((magic) => magic.every((byte, i) => head[i] === byte))) return 'compressed';
  return encodingOf(head) === null && head.subarray(0, LOOKED_AT).includes(0) ? 'binary' : 'text';
}

type Encoding = 'utf-16le' | 'utf-16be';

/**
 * Detects UTF-16 by its byte order mark, as PowerShell writes it, or by the positions of NUL bytes next to ASCII
 * letters. Null if it is not UTF-16.
 */
function encodingOf(head: Uint8Array): Encoding | null {
  const [first, second, third, fourth] = head;
  // UTF-32 begins with the same two bytes. Its tokens are found in the bytes without NUL.
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? null : 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const sample = head.subarray(0, LOOKED_AT);
  return (['utf-16le', 'utf-16be'] as const).find((encoding) => looksLike(encoding, sample)) ?? null;
}

/** Returns whether enough characters are ASCII in this encoding, and almost none are control characters. */
function looksLike(encoding: Encoding, sample: Uint8Array): boolean {
  const [high, low] = encoding === 'utf-16le' ? [1, 0] : [0, 1];
  let letters = 0;
  let controls = 0;
  for (let at = 0; at + 1 < sample.length; at += 2) {
    if (sample[at + high] !== 0) continue;
    if (isText(sample[at + low] ?? 0)) letters += 1;
    else controls += 1;
  }
  return letters > sample.length / 32 && controls * 10 <= letters;
}

/** In ASCII, or in the Latin letters after it. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f && (byte < 0x80 || byte >= 0xa0)) || (byte >= 0x09 && byte <= 0x0d);
}

interface Search {
  push(part: Uint8Array): Find[];
  /** Tokens that are only found at the end. */
  end?(): Find[];
}

function searchFor(encoding: Encoding | null): Search {
  const plain = new TokenFinder();
  const bytes: Search = { push: (part) => plain.push(withoutNul(part)) };
  return encoding === null ? bytes : decoded(encoding, bytes);
}

/**
 * Finds tokens in the decoded text, which has lines and columns. At the end, finds tokens that exist only in the bytes,
 * because text of another encoding may have been appended and decodes to other characters.
 */
function decoded(encoding: Encoding, bytes: Search): Search {
  const decoder = new TextDecoder(encoding);
  const text = new TokenFinder();
  const told = new Map<string, number>();
  const others: Find[] = [];
  const tell = (finds: Find[]): Find[] => {
    for (const { prefix } of finds) told.set(prefix, (told.get(prefix) ?? 0) + 1);
    return finds;
  };
  return {
    push(part) {
      if (others.length < MAX_OTHERS) others.push(...bytes.push(part));
      return tell(text.push(Buffer.from(decoder.decode(part, { stream: true }))));
    },
    end() {
      const last = tell(text.push(Buffer.from(decoder.decode())));
      return [
        ...last,
        ...others.filter(({ prefix }) => {
          const times = told.get(prefix) ?? 0;
          told.set(prefix, times - 1);
          return times <= 0;
        }),
      ];
    },
  };
}

/** The maximum number of findings that are kept until the end of a file. */
const MAX_OTHERS = 10_000;

/** In UTF-16 and UTF-32 of either byte order, removing NUL bytes leaves the ASCII characters. */
function withoutNul(part: Uint8Array): Uint8Array {
  return part.includes(0) ? part.filter((byte) => byte !== 0) : part;
}
