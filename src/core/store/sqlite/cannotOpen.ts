import { accessSync, constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import { writeFaultOf } from '../../../shared/files/makeDirectory.js';
import { FileFault, isOfSystem } from '../../../shared/files/wholeFile.js';
import { CannotOpen, StoreUnavailable } from '../storeErrors.js';
import { isDamage } from './driverErrors.js';
import { damage } from './uncleanStop.js';

const ANOTHER = 'Restore the database from a backup, or give another directory.';

/** Returns the error for a directory, or a database in it, that cannot be used. */
export function cannotOpen(dir: string, file: string, cause: unknown): CannotOpen {
  const found = faultOfPath(dir, file, cause);
  if (found !== null) {
    const { message, remedy } = found;
    const name = JSON.stringify(dir.slice(0, 200));
    return new CannotOpen(`The directory ${name} ${message}. ${remedy}`, message, remedy, { cause });
  }
  const reason = reasonOf(cause);
  // Most of our own reasons contain a remedy.
  const remedy = reason.includes('. ') ? '' : ANOTHER;
  const fault = `contains a database that cannot be used: ${reason}`;
  return new CannotOpen(`The database ${file} cannot be used: ${reason}.`, fault, remedy, { cause });
}

/** Returns the fault of the directory or the file; null if there is none, and the engine reports another fault. */
function faultOfPath(dir: string, file: string, cause: unknown): FileFault | null {
  if (cause instanceof FileFault || isOfSystem(cause)) return writeFaultOf(cause);
  try {
    if (!statSync(file).isFile()) {
      return new FileFault(`contains a ${basename(file)} that is not a file`, 'Remove it, or give another directory.');
    }
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    return faultOfAccess(file);
  } catch (error) {
    return writeFaultOf(error);
  }
}

function faultOfAccess(file: string): FileFault | null {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    const { message, remedy, code } = writeFaultOf(error);
    return new FileFault(`contains a ${basename(file)} that ${message}`, remedy, code);
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  const reason = isDamage(cause) ? damage([cause.message]) : cause;
  return reason instanceof Error ? reason.message : String(reason);
}
