/** What the command line reads of its environment. It loads nothing of the server's settings, which it has no use for. */
export interface CommandLineSettings {
  /** LATCHKEY_API_KEY; null where it is not set, or empty. */
  readonly apiKey: string | null;
  /** LATCHKEY_URL, as it is written. */
  readonly url: string;
  /** Whether NO_COLOR (no-color.org) and TERM leave colours to the terminal. */
  readonly color: boolean;
}

export const DEFAULT_URL = 'http://127.0.0.1:4000/graphql';

export function readCommandLineSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CommandLineSettings {
  const { LATCHKEY_API_KEY: apiKey = '', LATCHKEY_URL: url = '', NO_COLOR: noColor = '', TERM: terminal } = environment;
  return {
    apiKey: apiKey.trim() === '' ? null : apiKey.trim(),
    url: url.trim() === '' ? DEFAULT_URL : url.trim(),
    color: noColor === '' && terminal !== 'dumb',
  };
}
