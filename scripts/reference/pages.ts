import { createProgram } from '../../src/cli/program.js';
import { referencePage } from '../../src/cli/reference.js';
import { errorsPage } from './errors.js';
import { libraryPage } from './library.js';
import { schemaPage } from './schema.js';
import { settingsPage } from './settings.js';

/** The pages of docs/reference/ that are made from the sources, by their names. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/reference/cli.md': () => referencePage(createProgram()),
  'docs/reference/errors.md': errorsPage,
  'docs/reference/library.md': libraryPage,
  'docs/reference/schema.md': schemaPage,
  'docs/reference/settings.md': settingsPage,
};
