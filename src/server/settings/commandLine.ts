import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SettingsError } from '../../shared/settings/error.js';
import { secretFrom, type Environment } from './secretFile.js';

/**
 * The settings of the command line. They are separate from the server's settings, so that the server's settings don't have to be loaded.
 */
interface CommandLineSettings {
  /** The text of LATCHKEY_URL, or the default. */
  readonly url: string;
  /** Whether colors are allowed by NO_COLOR (no-color.org) and TERM. */
  readonly color: boolean;
}

export const DEFAULT_URL = 'http://127.0.0.1:4000/admin/graphql';

/** Reads the settings of the command line, except the key. */
export function readCommandLineSettings(environment: Environment = process.env): CommandLineSettings {
  const { LATCHKEY_URL: url = '', NO_COLOR: noColor = '', TERM: terminal } = environment;
  return {
    url: url.trim() === '' ? DEFAULT_URL : url.trim(),
    color: noColor === '' && terminal !== 'dumb',
  };
}

/** Returns the directory for the state of the command line, by the XDG Base Directory Specification. */
export function stateDirectory(environment: Environment = process.env): string {
  const { XDG_STATE_HOME: base = '' } = environment;
  return join(isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'latchkey');
}

/**
 * Returns LATCHKEY_API_KEY, or the content of the file that LATCHKEY_API_KEY_FILE names; null if neither is set. Only commands
 * that need a key read it, so that an invalid file does not break the other commands.
 *
 * @throws SettingsError
 */
export function readCommandLineKey(environment: Environment = process.env): string | null {
  // An empty variable counts as unset, because compose files and CI define variables without a value as empty.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
  return secretFrom(set, 'LATCHKEY_API_KEY', (what) => new SettingsError(what)).text?.trim() ?? null;
}
