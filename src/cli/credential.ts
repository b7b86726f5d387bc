import { EXIT, Failure, usage } from './exit.js';

/** Longer than any key or access token. Limits memory if something else is piped by mistake. */
const MAX_BYTES = 8_192;

/** Returns the key in the first line of standard input. @throws Failure */
export async function keyFromInput(input: NodeJS.ReadStream = process.stdin): Promise<string> {
  return firstLine(input, {
    what: 'key',
    onTerminal: '--key-stdin reads a key that is piped: `cat key.txt | latchkey whoami --key-stdin`. Pipe one in.',
  });
}

/**
 * Returns the first line of standard input, trimmed.
 *
 * @param what names what is read
 * @param onTerminal the error if standard input is a terminal, which would show what is typed
 * @throws Failure if there is no line, or it is too long
 */
async function firstLine(
  input: NodeJS.ReadStream,
  { what, onTerminal }: { readonly what: string; readonly onTerminal: string },
): Promise<string> {
  if (input.isTTY) throw usage(onTerminal);
  let text = '';
  for await (const part of input) {
    text += String(part);
    if (text.includes('\n')) break;
    if (text.length > MAX_BYTES) throw usage(`Standard input has no ${what}: its first line is too long.`);
  }
  if (text.includes('\0')) throw usage(`Standard input is not in UTF-8. Write the ${what} in UTF-8.`);
  const line = (text.split('\n')[0] ?? '').trim();
  if (line === '') throw usage(`Standard input has no ${what}: its first line is empty. Write the ${what} there.`);
  return line;
}

/**
 * Returns standard input as text, trimmed.
 *
 * @param what the name of the value, for errors @param most the maximum number of characters
 * @param onTerminal the error if standard input is a terminal, which would show what is typed
 * @throws Failure if it is empty or too long
 */
export async function wholeInput(
  input: NodeJS.ReadStream,
  { what, most, onTerminal }: { readonly what: string; readonly most: number; readonly onTerminal: string },
): Promise<string> {
  if (input.isTTY) throw usage(onTerminal);
  input.setEncoding('utf8');
  let text = '';
  for await (const part of input) {
    text += String(part);
    if (text.length > most)
      throw usage(`Standard input has more than ${most} characters. Write the part with the ${what}.`);
  }
  if (text.trim() === '') throw usage(`Standard input has no ${what}: it is empty. Write the ${what} there.`);
  return text.trim();
}

const QUOTED = 'The key has quotes around it. Remove them. docker run --env-file keeps quotes.';

/** Checks that a key fits into a header, because the error of fetch would contain the key. @throws Failure */
export function assertSendable(key: string): void {
  if (/^(["']).*_(?:live|test)_.*\1$/.test(key)) throw new Failure(EXIT.unauthenticated, 'UNAUTHENTICATED', QUOTED);
  if (key.length <= MAX_BYTES && /^[\x21-\x7e]+$/.test(key)) return;
  throw new Failure(
    EXIT.unauthenticated,
    'UNAUTHENTICATED',
    'The key contains white space or invalid characters, or is too long. Copy it again.',
  );
}

/** A missing key is a credential error, as in the server's response. */
export function noKey(): Failure {
  return new Failure(
    EXIT.unauthenticated,
    'UNAUTHENTICATED',
    'There is no key. Set LATCHKEY_API_KEY to a key, such as the admin key that the first start of the server printed. Or write the key to standard input and give --key-stdin.',
  );
}
