import { EXIT, Failure, type ExitCode } from './exit.js';

/** The server answered something that no Latchkey server of this release answers. The address may be wrong. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly exitCode: ExitCode;

  /** @param message says what is wrong, after "its response" @param exitCode default: the address is wrong */
  constructor(message: string, exitCode: ExitCode = EXIT.usage) {
    super(message);
    this.exitCode = exitCode;
  }

  /** @param setBy what the address was set with */
  toFailure(url: string, setBy: string): Failure {
    return new Failure(
      this.exitCode,
      'UNEXPECTED_ANSWER',
      `${url} is not a Latchkey server, or one of another release: its response ${this.message}. Check ${setBy}.`,
    );
  }
}
