/** Why the server does not start or stop, in one line: a stack would bury the sentence that says what to do. */
export function faultOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
