/** Returns why the server does not start or stop, in one line. A stack trace would hide the sentence that says what to do. */
export function faultOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
