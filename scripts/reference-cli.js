// Writes docs/reference/cli.md from the commands' help, as they were built last.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createProgram } from '../build/cli/program.js';
import { referencePage } from '../build/cli/reference.js';

const page = new URL('../docs/reference/cli.md', import.meta.url);
mkdirSync(new URL('.', page), { recursive: true });
writeFileSync(page, referencePage(createProgram()));
