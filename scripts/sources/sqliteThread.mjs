import { runEntry } from './runEntry.mjs';

await runEntry('src/core/store/sqlite/threadMain.ts');
