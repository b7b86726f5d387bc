/** An error that stops an import. The message says what is wrong and how to fix it. It contains no secret. */
export class ImportFault extends Error {
  override readonly name = 'ImportFault';
}
