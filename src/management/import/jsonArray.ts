import { ImportFault } from './importFault.js';
import { Gathered, type RawRecord } from './rawRecords.js';

/** White space in JSON (RFC 8259, section 2). */
const SPACE = ' \t\r\n';

/**
 * Returns the items of one JSON array as text, each as soon as it is whole. Only the commas and brackets of the array are parsed here,
 * so that neither the array nor an item that is too long has to be in memory. An item may be invalid JSON.
 *
 * @throws ImportFault if the input is not an array, or does not end
 */
export async function* itemsIn(chunks: AsyncIterable<string>): AsyncGenerator<RawRecord> {
  const item = new Gathered();
  let line = 1;
  let began = 1;
  let depth = 0;
  let items = 0;
  let quoted = false;
  let escaped = false;
  let ended = false;
  /** Whether there is white space before the next character. It is kept as one space: `1 2` is not `12`. */
  let spaced = false;
  for await (const chunk of chunks) {
    for (const character of chunk) {
      if (character === '\n') line += 1;
      if (quoted) {
        quoted = escaped || character !== '"';
        escaped = !escaped && character === '\\';
        item.add(character);
        continue;
      }
      if (SPACE.includes(character)) {
        spaced = true;
        continue;
      }
      const closes = character === ']' || character === '}';
      const isEnd = depth === 1 && closes;
      if (ended || (depth === 0 && character !== '[') || (isEnd && character === '}')) throw noArray(line);
      if (depth === 0) depth = 1;
      else if (isEnd || (depth === 1 && character === ',')) {
        // Only `[]` has no item before its end. Anywhere else, the item before or after a comma is missing.
        if (!item.empty) yield { line: began, text: item.take() };
        else if (!isEnd || items > 0) yield { line, text: '' };
        items += 1;
        ended = isEnd;
      } else {
        if (item.empty) began = line;
        else if (spaced) item.add(' ');
        if (closes) depth -= 1;
        if (character === '[' || character === '{') depth += 1;
        quoted = character === '"';
        item.add(character);
      }
      spaced = false;
    }
  }
  if (!ended) throw new ImportFault('The input ends inside its JSON array. It was cut off: export it again.');
}

function noArray(line: number): ImportFault {
  return new ImportFault(
    `The input is not a JSON array: see line ${line}. Give one array of rows, or JSON Lines with --format jsonl.`,
  );
}
