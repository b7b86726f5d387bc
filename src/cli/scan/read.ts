import { TokenFinder, type Find } from './find.js';

/** A file with NUL among its first bytes is none of text: what git goes by too. */
const LOOKED_AT = 8_000;

export type Content = AsyncIterable<Uint8Array>;

/** Tokens of a stream, as they are found; nothing for what is no text. Holds two parts of it at most. */
export async function* tokensIn(content: Content): AsyncGenerator<Find> {
  const finder = new TokenFinder();
  let decoder: ReturnType<typeof utf16Of> = null;
  let first = true;
  for await (const part of content) {
    if (first) {
      decoder = utf16Of(part);
      if (decoder === null && part.subarray(0, LOOKED_AT).includes(0)) return;
      first = false;
    }
    yield* finder.push(decoder === null ? part : Buffer.from(decoder.decode(part, { stream: true })));
  }
  yield* finder.end();
}

/** By its byte order mark: what PowerShell writes into files is UTF-16, in which an expression over bytes finds nothing. */
function utf16Of(part: Uint8Array): InstanceType<typeof TextDecoder> | null {
  if (part[0] === 0xff && part[1] === 0xfe) return new TextDecoder('utf-16le');
  if (part[0] === 0xfe && part[1] === 0xff) return new TextDecoder('utf-16be');
  return null;
}
