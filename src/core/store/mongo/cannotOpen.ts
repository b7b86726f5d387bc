import { connectFaultOf } from '../../net/connectFault.js';
import { fileFaultOf } from '../../../shared/files/wholeFile.js';
import { CannotOpen, StoreUnavailable } from '../storeErrors.js';
import { refusedWrite } from './refusedWrites.js';

/** The server's codes for a rejected login: AuthenticationFailed, and Atlas' own code. */
const REFUSED_LOGIN: ReadonlySet<unknown> = new Set([18, 8000]);
const UNAUTHORIZED = 13;
/** Unauthorized, and a server that requires a login first. */
const NEEDS_LOGIN: ReadonlySet<unknown> = new Set([UNAUTHORIZED, 391]);
const OF_THE_URI: ReadonlySet<string> = new Set([
  'MongoParseError',
  'MongoInvalidArgumentError',
  'MongoMissingCredentialsError',
  'MongoAPIError',
  'MongoRuntimeError',
]);

const START = 'Start MongoDB there, or correct MONGODB_URI.';
const NO_ANSWER = ['did not answer in time', START] as const;

/**
 * Returns the error for the MongoDB that MONGODB_URI names, without the URI's secrets.
 *
 * @returns the cause, if it has nothing to do with the URI or the server
 */
export function cannotOpen(uri: string, cause: unknown): unknown {
  if (cause instanceof CannotOpen) {
    return new CannotOpen(`MONGODB_URI ${cause.fault}. ${cause.remedy}`, cause.fault, cause.remedy, { cause });
  }
  const errors = errorsIn(cause);
  const ofUri = faultOfUri(uri, errors);
  if (ofUri !== null) return new CannotOpen(`MONGODB_URI ${ofUri}. Correct it.`, ofUri, 'Correct it.', { cause });
  const found = faultOf(errors) ?? saidBy(uri, errors);
  if (found === null && !(cause instanceof StoreUnavailable)) return cause;
  const [fault, remedy] = found ?? NO_ANSWER;
  const name = `MONGODB_URI names ${hostsOf(uri) ?? 'a MongoDB'}`;
  return new CannotOpen(`${name}, which ${fault}. ${remedy}`, fault, remedy, { cause });
}

/** Returns the fault of the URI itself; null if there is none. */
function faultOfUri(uri: string, errors: readonly DriverError[]): string | null {
  for (const error of errors) {
    if ((error as NodeJS.ErrnoException).syscall === 'open') {
      return `names a certificate file that ${fileFaultOf(error).message}`;
    }
    if (!OF_THE_URI.has(error.name)) continue;
    return `is not valid${inWords(uri, error.message)}`;
  }
  return null;
}

/** Returns an error that the server sent, or that the driver detected. */
function saidBy(uri: string, errors: readonly DriverError[]): Found | null {
  const said = errors.find(({ name }) => ['MongoServerError', 'MongoCompatibilityError'].includes(name));
  return said === undefined ? null : [`cannot be used${inWords(uri, said.message)}`, START];
}

/** Returns a message as one line, prefixed by a colon; empty if it contains the password. */
function inWords(uri: string, message: string): string {
  if (secretsIn(uri).some((secret) => message.includes(secret))) return '';
  return `: ${(message.split('\n', 1)[0] ?? '').slice(0, 300).trim().replace(/\.$/, '')}`;
}

/** Returns the password of a URI, encoded and decoded, and its parts in case it was not escaped. */
function secretsIn(uri: string): readonly string[] {
  const [, password = ''] = /^[^:]+:\/\/[^:]*:(.*)@/s.exec(uri) ?? [];
  return [password, ...password.split(/[:@/]/)]
    .flatMap((text) => [text, safelyDecoded(text)])
    .filter((text) => text !== '');
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An error of the driver may contain the errors of the servers that it tried. */
type DriverError = Error & {
  readonly reason?: { readonly setName?: unknown; readonly servers?: ReadonlyMap<string, { readonly error: unknown }> };
};

type Found = readonly [fault: string, remedy: string];

function faultOf(errors: readonly DriverError[]): Found | null {
  for (const error of errors) {
    const { code } = error as { code?: unknown };
    // The code is the same for a user without read permission and a user without write permission.
    const refused = code === UNAUTHORIZED ? null : refusedWrite(error);
    if (refused !== null) return [`accepts no changes: ${refused.reason}`, refused.remedy];
    if (REFUSED_LOGIN.has(code) || /\bsaslStart\b|Authentication failed/i.test(error.message)) {
      return [
        'does not accept the user name and password',
        'Correct both in MONGODB_URI, with special characters escaped.',
      ];
    }
    if (NEEDS_LOGIN.has(code)) {
      return ['needs a user name and password that may read and write the database', 'Add them to MONGODB_URI.'];
    }
    const connecting = connectFaultOf(error);
    if (connecting !== null) return [connecting, START];
    if (error.message.endsWith(' closed'))
      return ['closes the connection: it may be another program, or require TLS', START];
  }
  const isOfSet = errors.some(({ reason }) => reason?.setName != null);
  return isOfSet ? ['did not answer as a member of the replica set', START] : null;
}

/**
 * Returns an error and its causes: the driver stores them in `cause`, and for each server in `reason`. The first cause
 * comes first.
 */
function errorsIn(error: unknown, depth = 0): readonly DriverError[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const { reason } = error as DriverError;
  const ofServers = [...(reason?.servers?.values() ?? [])].flatMap((server) => errorsIn(server.error, depth + 1));
  return [...errorsIn(error.cause, depth + 1), ...ofServers, error];
}

/** Returns the hosts of a URI, without secrets; null if they can't be determined. */
function hostsOf(uri: string): string | null {
  const [, authority = ''] = /^mongodb(?:\+srv)?:\/\/([^/?#]*)/.exec(uri) ?? [];
  const hosts = authority.slice(authority.lastIndexOf('@') + 1);
  return /^[\w.:,[\]-]{1,200}$/.test(hosts) ? hosts : null;
}
