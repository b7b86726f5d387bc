import { styleText } from 'node:util';
import { EXIT } from './exit.js';
import { visible } from './visibleText.js';
import { readCommandLineSettings } from '../server/settings/commandLine.js';

type Style = Parameters<typeof styleText>[0];

/** The output of a command: results on standard output, messages on standard error. */
export interface Terminal {
  /** Lines of the result. Others' text among them must have gone through `visible`. */
  readonly out: (text: string) => void;
  /** A line for people. */
  readonly note: (text: string) => void;
  /** Prints the progress in place of the previous one. Prints nothing if the output is not a terminal. */
  readonly progress: (text: string) => void;
  /** Removes the progress that {@link progress} shows. */
  readonly progressEnd: () => void;
  /** Colours, if standard output is a terminal that supports them. */
  readonly style: (style: Style, text: string) => string;
}

const ERASE_LINE = '\r\u001b[2K';

export function openTerminal(): Terminal {
  const { stdout, stderr } = process;
  const color = stdout.isTTY && readCommandLineSettings().color;
  let shown = false;
  const progressEnd = (): void => {
    if (shown) stderr.write(ERASE_LINE);
    shown = false;
  };
  return {
    out(text) {
      progressEnd();
      stdout.write(`${text}\n`);
    },
    note(text) {
      progressEnd();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      if (!stderr.isTTY) return;
      const { columns } = stderr;
      stderr.write(ERASE_LINE + visible(text).slice(0, columns - 1));
      shown = true;
    },
    progressEnd,
    style: (style, text) => (color ? styleText(style, text) : text),
  };
}

/** Without it, a reader that ends early, such as `head`, would end the program with a stack trace. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
      throw error;
    });
  }
}
