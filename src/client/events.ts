import { chunksOf } from './answer.js';
import { Unavailable } from './errors.js';

/** One message of Server-Sent Events. */
export interface Message {
  readonly event: string;
  readonly data: string;
}

/** Characters of one message; more is no event of Latchkey's. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/**
 * The messages of an event stream (the HTML standard, section 9.2.6), but for `id` and `retry`: Latchkey keeps no history
 * to go on from. Read only as fast as they are taken. Rejects with Unavailable where one is too long,
 * or no byte came for `silence` ms.
 */
export async function* messagesOf(body: ReadableStream<Uint8Array>, silence: number): AsyncGenerator<Message, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunksOf(body, silence)) {
    // A carriage return at the end may be half of a line's end.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      length += line.length;
      if (name === 'event') event = value;
      else if (name === 'data') data.push(value);
      else if (line === '') {
        if (event !== '' || data.length > 0) yield { event, data: data.join('\n') };
        event = '';
        data = [];
        length = 0;
      }
    }
    if (length + rest.length > MAX_MESSAGE) {
      throw new Unavailable('An event was larger than any of Latchkey. Look at the address.', { code: 'UNREADABLE' });
    }
  }
}
