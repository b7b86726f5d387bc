import { ImportFault } from './fault.js';
import { Gathered, type RawRecord } from './records.js';

/**
 * Yields the items of a JSON array as text, each as soon as it is complete. Only the commas and brackets of the array itself
 * are parsed, so neither the array nor an oversized item has to fit into memory.
 * @throws ImportFault if the input is not an array or is incomplete
 */
export async function* itemsIn(chunks: AsyncIterable<string>): AsyncGenerator<RawRecord> {
  const item = new Gathered();
  let line = 1;
  let began = 1;
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let ended = false;
  for await (const chunk of chunks) {
    for (const character of chunk) {
      if (character === '\n') line += 1;
      if (quoted) {
        quoted = escaped || character !== '"';
        escaped = !escaped && character === '\\';
        item.add(character);
        continue;
      }
      if (/\s/.test(character)) continue;
      if (ended || (depth === 0 && character !== '[')) {
        throw new ImportFault(
          `The input is not a JSON array: see line ${line}. Give one array of rows, or JSON Lines with --format jsonl.`,
        );
      }
      const closes = character === ']' || character === '}';
      if (closes) depth -= 1;
      if (depth === 0 || (depth === 1 && character === ',')) {
        if (depth === 0 && !closes) depth = 1;
        else if (!item.empty) yield { line: began, text: item.take() };
        ended = closes && depth === 0;
        continue;
      }
      if (item.empty) began = line;
      if (character === '[' || character === '{') depth += 1;
      if (character === '"') quoted = true;
      item.add(character);
    }
  }
  if (!ended) throw new ImportFault('The input ends inside its JSON array. It was cut off: export it again.');
}
