import { chunksOf } from './readAnswer.js';
import { Unavailable } from './errors.js';

/** A message of Server-Sent Events. */
export interface Message {
  readonly event: string;
  readonly data: string;
}

/** The maximum length of a message, in characters. Latchkey never sends a longer one. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/**
 * Yields the messages of an event stream (HTML standard, section 9.2.6). Ignores `id` and `retry`, because Latchkey
 * cannot resume a stream. Reads no faster than the caller.
 *
 * @throws {@link Unavailable} if a message is too long, or no data arrives for `silence` ms
 */
export async function* messagesOf(body: ReadableStream<Uint8Array>, silence: number): AsyncGenerator<Message, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunksOf(body, silence)) {
    // A carriage return at the end of a chunk may be the first half of a line break.
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
      throw new Unavailable('Received an event of more than 4 MiB. Check the url: it may not be a Latchkey API.', {
        code: 'UNREADABLE',
      });
    }
  }
}
