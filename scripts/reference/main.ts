// npm run reference: writes the pages of docs/reference/ that are made from the sources.
import { mkdirSync, writeFileSync } from 'node:fs';
import { PAGES } from './pages.js';

for (const [path, make] of Object.entries(PAGES)) {
  const file = new URL(`../../${path}`, import.meta.url);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, make());
  console.log(path);
}
