import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SettingsError } from './error.js';
import { secretFrom, type Environment } from './secretFile.js';

/** What the command line reads of its environment. It loads nothing of the server's settings, which it has no use for. */
export interface CommandLineSettings {
  /** LATCHKEY_URL, as it is written. */
  readonly url: string;
  /** Whether NO_COLOR (no-color.org) and TERM leave colours to the terminal. */
  readonly color: boolean;
}

export const DEFAULT_URL = 'http://127.0.0.1:4000/graphql';

export function readCommandLineSettings(environment: Environment = process.env): CommandLineSettings {
  const { LATCHKEY_URL: url = '', NO_COLOR: noColor = '', TERM: terminal } = environment;
  return {
    url: url.trim() === '' ? DEFAULT_URL : url.trim(),
    color: noColor === '' && terminal !== 'dumb',
  };
}

/** Returns the directory in which the command line keeps what it has seen, by the XDG Base Directory Specification. */
export function stateDirectory(environment: Environment = process.env): string {
  const { XDG_STATE_HOME: base = '' } = environment;
  return join(isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'latchkey');
}

/**
 * LATCHKEY_API_KEY, or the content of the file that LATCHKEY_API_KEY_FILE names; null where neither is set. Read only by commands that
 * use the key: a wrong file must not keep the others from running.
 *
 * @throws SettingsError
 */
export function readCommandLineKey(environment: Environment = process.env): string | null {
  // An empty variable counts as absent, as compose files and CI leave what nobody filled in.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
  return secretFrom(set, 'LATCHKEY_API_KEY', (what) => new SettingsError(what)).text?.trim() ?? null;
}
