import { EXIT, Failure, type ExitCode } from './exit.js';

/** The path of Latchkey's API on a gateway, where `/graphql` is the guarded API. */
const AT_GATEWAY = '/admin/graphql';

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
      `${url} is not a Latchkey server, or runs another release: its response ${this.message}. Check ${setBy}.${this.hintFor(url)}`,
    );
  }

  /** Returns what to add to the message, after a space. */
  protected hintFor(_url: string): string {
    return '';
  }
}

/** Thrown if a GraphQL server doesn't know the fields of an operation. */
export class UnknownFields extends UnexpectedAnswer {
  protected override hintFor(url: string): string {
    const right = new URL(AT_GATEWAY, url).href;
    return url === right ? '' : ` If the server is a gateway, set it to ${right}.`;
  }
}
