/** Exit codes of the program. docs/reference/cli.md describes them. */
export const EXIT = {
  ok: 0,
  /** The result of a search or check was negative, or the command failed for a reason without a separate code. */
  failed: 1,
  usage: 2,
  unauthenticated: 3,
  forbidden: 4,
  limited: 5,
  unavailable: 6,
  /** No file could be scanned. */
  notScanned: 7,
  /** As after SIGPIPE: the program that reads the output has ended. */
  brokenPipe: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Descriptions of the exit codes, for the reference. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'Success.'],
  [
    EXIT.failed,
    '`scan` found tokens, or could not read some of the files; `import` found problems; `audit verify` found a broken log; `explain` found that the key would be refused; `keys find` found no key; `verify` found that the token is not active; `gateway check` found differences. Also: `serve` or `gateway` could not start, `import` could not open the store, or a request failed for a reason without a separate code.',
  ],
  [EXIT.usage, 'The arguments, an environment variable or a file is invalid. Nothing was changed.'],
  [EXIT.unauthenticated, 'The key is missing or invalid.'],
  [EXIT.forbidden, 'The key is valid but not allowed to do this.'],
  [EXIT.limited, 'The limits of the key are reached, and waiting would take longer than `--max-wait`.'],
  [
    EXIT.unavailable,
    'The server is unreachable or unavailable. Commands that change nothing retry until `--max-wait` is over. If the first connection is refused, a command ends at once, unless `--max-wait` is given.',
  ],
  [
    EXIT.notScanned,
    '`scan` found no token and could not scan any file as text: the files are missing, unreadable, binary or compressed.',
  ],
  [130, 'Interrupted by Ctrl-C (SIGINT).'],
  [EXIT.brokenPipe, 'The program that reads the output ended early, as `head` does.'],
];

/** Ends a command with an error. The message names the problem and the remedy. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  /** A code for programs, as in responses of the server. */
  readonly code: string;
  /** The lines of the message, such as the faults of a file. */
  readonly lines: readonly string[];

  /** @param message one line, or several */
  constructor(exitCode: ExitCode, code: string, message: string | readonly string[]) {
    const lines = typeof message === 'string' ? [message] : message;
    super(lines.join('\n'));
    this.exitCode = exitCode;
    this.code = code;
    this.lines = lines;
  }
}

/** Returns the error for an invalid command line, or an invalid file. @param message one line, or several */
export function usage(message: string | readonly string[]): Failure {
  return new Failure(EXIT.usage, 'USAGE', message);
}
