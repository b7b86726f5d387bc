import { createInterface } from 'node:readline';
import { EXIT, Failure, usage } from './exit.js';

/**
 * Asks for confirmation on the terminal before a change that can't be undone. @param question with names made visible
 * @throws Failure
 */
export async function confirm(question: string): Promise<void> {
  const answer = await ask(`${question} [y/N] `);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new Failure(EXIT.failed, 'NOT_CONFIRMED', 'Nothing was changed.');
}

/** Refuses if no person can confirm, because input or output is not a terminal. @throws Failure */
export function assertCanAsk(): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw usage('This needs confirmation, but there is no terminal. Pass --yes to confirm.');
}

function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    lines.on('SIGINT', () => {
      lines.close();
      // Ends with the signal itself, so that a script that runs this command ends too.
      process.kill(process.pid, 'SIGINT');
    });
    lines.on('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
