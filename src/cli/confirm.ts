import { createInterface } from 'node:readline';
import { EXIT, Failure, usage } from './exit.js';

/** Asks on the terminal before what cannot be undone. @param question with what it is about made visible @throws Failure */
export async function confirm(question: string): Promise<void> {
  const answer = await ask(`${question} [y/N] `);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new Failure(EXIT.failed, 'NOT_CONFIRMED', 'Nothing was changed.');
}

/** Refuses if no person can confirm, because input or output is not a terminal. @throws Failure */
export function assertCanAsk(): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return;
  throw usage('This needs confirmation, and there is no terminal. Pass --yes to confirm.');
}

function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    lines.on('SIGINT', () => {
      lines.close();
      // By the signal itself, so that a script around this one ends too.
      process.kill(process.pid, 'SIGINT');
    });
    lines.on('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
