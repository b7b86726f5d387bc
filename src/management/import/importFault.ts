import { faultLines } from '../../shared/settings/error.js';

/** An error that stops an import. Each line of the message says what is wrong and how to fix it. It contains no secret. */
export class ImportFault extends Error {
  override readonly name = 'ImportFault';
  /** The lines of the message. */
  readonly lines: readonly string[];

  /** @param faults one fault, or all faults of a file */
  constructor(faults: string | readonly string[]) {
    const lines = faultLines(typeof faults === 'string' ? [faults] : faults);
    super(lines.join('\n'));
    this.lines = lines;
  }
}
