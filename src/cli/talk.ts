import type { Api } from './api.js';
import type { AskingOptions } from './commandOptions.js';
import type { list, table } from './table.js';
import { openTerminal, type Terminal } from './terminal.js';
import { jsonText } from './visibleText.js';

/** A command that sends requests, and its output. */
export interface Talk extends Api {
  readonly terminal: Terminal;
  readonly table: typeof table;
  readonly list: typeof list;
  /** Prints the result: one JSON document for programs, or the result of `text` for people. */
  readonly show: (value: unknown, text: () => string) => void;
}

/** Loads the client on demand: it takes most of the start-up time, and `--help` and `scan` don't need it. */
export async function talk(
  options: AskingOptions & { readonly quiet?: true },
  use: (talk: Talk) => Promise<void>,
  { keyless = false }: { readonly keyless?: boolean } = {},
): Promise<void> {
  const [{ withApi }, { list, table }] = await Promise.all([import('./api.js'), import('./table.js')]);
  const terminal = openTerminal();
  const note = (text: string): void => terminal.note(text);
  await withApi(
    options,
    (api) =>
      use({
        ...api,
        terminal,
        table,
        list,
        show: (value, text) => terminal.out(options.json === true ? jsonText(value) : text()),
      }),
    { keyless, note, noteWait: options.json === true || options.quiet === true ? () => undefined : note },
  );
}
