import { EXIT, Failure, usage } from './exit.js';

/** Longer than any key or access token; what is piped here by mistake is not to fill the memory. */
const MAX_BYTES = 8_192;

/** The first line of standard input. @throws Failure */
export async function keyFromInput(input: NodeJS.ReadStream = process.stdin): Promise<string> {
  // Typed on a terminal it would stand on the screen.
  if (input.isTTY) {
    throw usage('--key-stdin reads a key that is piped: `cat key.txt | latchkey whoami --key-stdin`. Pipe one in.');
  }
  let text = '';
  for await (const part of input) {
    text += String(part);
    if (text.includes('\n')) break;
    if (text.length > MAX_BYTES) throw usage(`Standard input holds no key: its first line is too long.`);
  }
  const key = (text.split('\n')[0] ?? '').trim();
  if (key === '') throw usage('Standard input holds no key: its first line is empty. Write the key there.');
  return key;
}

const QUOTED = 'The key has quotes around it. Remove them: docker run --env-file, for one, keeps those of its file.';

/** @throws Failure where a header cannot hold it: fetch would say so with an error that repeats it */
export function assertSendable(key: string): void {
  if (/^(["']).*_(?:live|test)_.*\1$/.test(key)) throw new Failure(EXIT.unauthenticated, 'UNAUTHENTICATED', QUOTED);
  if (key.length <= MAX_BYTES && /^[\x21-\x7e]+$/.test(key)) return;
  throw new Failure(
    EXIT.unauthenticated,
    'UNAUTHENTICATED',
    'The key holds white space or letters that no key has, or is too long. Copy it once more.',
  );
}

/** No key is a matter of credentials, and the server would say the same. */
export function noKey(): Failure {
  return new Failure(
    EXIT.unauthenticated,
    'UNAUTHENTICATED',
    'There is no key. Set LATCHKEY_API_KEY, or write the key to standard input and give --key-stdin.',
  );
}
