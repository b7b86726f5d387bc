import { runEntry } from './runEntry.mjs';

await runEntry('src/demo/store/sqlite/demoThread.ts');
