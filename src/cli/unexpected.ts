import { EXIT, Failure, type ExitCode } from './exit.js';

/** Thrown for a response that no Latchkey server of this release sends. The address may be wrong. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly exitCode: ExitCode;

  /** @param message the problem, which follows "its response" @param exitCode default: the address is wrong */
  constructor(message: string, exitCode: ExitCode = EXIT.usage) {
    super(message);
    this.exitCode = exitCode;
  }

  /** @param setBy the setting of the address */
  toFailure(url: string, setBy: string): Failure {
    return new Failure(
      this.exitCode,
      'UNEXPECTED_ANSWER',
      `${url} is not a Latchkey server, or runs another release: its response ${this.message}. Check ${setBy}.`,
    );
  }
}
