/** The import cannot begin, or cannot go on. The message names the fault and the remedy, and repeats nothing secret. */
export class ImportFault extends Error {
  override readonly name = 'ImportFault';
}
