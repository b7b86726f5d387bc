import { pepperOfDirectory } from '../../../src/core/keys/pepper.js';

// All workers continue at the same time, however long each took to load.
const MOMENT = 500;
await new Promise((resolve) => setTimeout(resolve, MOMENT - (Date.now() % MOMENT)));
process.stdout.write(`pepper=${pepperOfDirectory(process.env.PEPPER_DIR ?? '')}\n`);
