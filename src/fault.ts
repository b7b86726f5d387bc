/** Why the server does not start or stop, in one line: a stack would bury the sentence that says what to do. */
export function faultOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return 'The port is in use. Stop what listens there, or set PORT to another (0 picks a free one).';
  }
  return error instanceof Error ? error.message : String(error);
}
