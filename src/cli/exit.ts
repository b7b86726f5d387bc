/** With what the program ends; docs/reference/cli.md tells of each. */
export const EXIT = {
  ok: 0,
  /** What was looked for was found, or the server refused it for a reason that no other code has. */
  failed: 1,
  usage: 2,
  unauthenticated: 3,
  forbidden: 4,
  limited: 5,
  unavailable: 6,
  /** Nothing of what was named could be scanned. */
  notScanned: 7,
  /** As of a program that SIGPIPE ended: what reads its output is gone. */
  brokenPipe: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Each code in words, for the reference. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'It was done.'],
  [
    EXIT.failed,
    '`scan` found tokens, or scanned some files and could not read others, `import` found problems, `audit verify` found a broken chain, `explain` found that the key would be refused, `keys find` found no key; or `serve` could not start, `import` could not open the store, or a request failed for a reason that no other code has.',
  ],
  [EXIT.usage, 'The command line, or a variable or a file that it reads, is wrong: nothing was changed.'],
  [EXIT.unauthenticated, 'There is no key, or the server does not accept it.'],
  [EXIT.forbidden, 'The key is accepted and may not do this.'],
  [EXIT.limited, 'The limits of the key leave no room, and would not within `--max-wait`.'],
  [EXIT.unavailable, 'The server could not be reached, or could not answer.'],
  [
    EXIT.notScanned,
    '`scan` found no token, and could scan none of the files as text: they are missing, unreadable, binary or compressed.',
  ],
  [130, 'Interrupted by Ctrl-C (SIGINT), as the shell tells it.'],
  [EXIT.brokenPipe, 'What read the output ended first, as `head` does.'],
];

/** What ends a command before it is done. The message names the fault and the remedy. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  /** For programs, as in the answers of the server. */
  readonly code: string;

  constructor(exitCode: ExitCode, code: string, message: string) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** The command line cannot be meant as it stands. */
export function usage(message: string): Failure {
  return new Failure(EXIT.usage, 'USAGE', message);
}
