import { EXIT, Failure, type ExitCode } from './exit.js';
import { jsonText, visible } from './visibleText.js';

/** The error that ended a command, as it is printed. */
interface Fault {
  readonly exitCode: ExitCode;
  /** As in `extensions.code` of the server's responses, or a code of the command line. */
  readonly code: string;
  readonly message: string;
  /** The lines of the message. Default: it is one line. */
  readonly lines?: readonly string[];
  /** Scopes that the key lacks. */
  readonly missing?: readonly string[];
  /** Seconds. */
  readonly retryAfter?: number;
  /** X-Request-Id, for the server's operator. */
  readonly requestId?: string;
}

/** Loads the client's errors only if a client may have thrown one. */
export async function faultOf(error: unknown): Promise<Fault> {
  if (error instanceof Failure) {
    const { exitCode, code, message, lines } = error;
    return { exitCode, code, message, lines };
  }
  const { Forbidden, LatchkeyError, RateLimited, Unauthenticated, Unavailable } = await import('../client/errors.js');
  if (!(error instanceof LatchkeyError)) {
    return { exitCode: EXIT.failed, code: 'FAILED', message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, requestId } = error;
  const told = { code, message, ...(requestId !== null && { requestId }) };
  if (error instanceof Unauthenticated) return { ...told, exitCode: EXIT.unauthenticated };
  if (error instanceof Forbidden) return { ...told, exitCode: EXIT.forbidden, missing: error.missing };
  if (error instanceof RateLimited) return { ...told, exitCode: EXIT.limited, retryAfter: error.retryAfter };
  if (error instanceof Unavailable) return { ...told, exitCode: EXIT.unavailable };
  return { ...told, exitCode: EXIT.failed };
}

/** @param json whether to return the {@link Fault} as a JSON document */
export function faultText({ exitCode, lines, ...told }: Fault, json: boolean): string {
  if (json) return jsonText({ error: { ...told, exitCode } }, 0);
  const request = told.requestId === undefined ? '' : `\nRequest: ${visible(told.requestId)}`;
  return (lines ?? [told.message]).map(visible).join('\n') + request;
}
