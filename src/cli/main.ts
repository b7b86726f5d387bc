#!/usr/bin/env node
import { endWithReader } from './terminal.js';
import { run } from './run.js';

endWithReader();
const failed = await run(process.argv.slice(2));
if (failed !== null) process.exitCode = failed;
