/**
 * Starts the server in one process with each environment of a JSON file, and writes the error messages to another file:
 * `node starts.ts <environments> <messages>`. This is much faster than one process for each environment.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { start, startFault } from '../../../src/server/start.js';

const [given = '', wanted = ''] = process.argv.slice(2);
const environments = JSON.parse(readFileSync(given, 'utf8')) as readonly Readonly<Record<string, string>>[];
const messages: (string | null)[] = [];
const own = process.env;
/** The number of parallel starts. Some wait for servers that don't respond. */
const AT_ONCE = 8;

process.setMaxListeners(0);

/** `null`: the server started. */
async function faultOfStart(environment: Readonly<Record<string, string>>): Promise<string | null> {
  process.env = { ...own, ...environment };
  try {
    // Reads the environment before it awaits anything.
    await start(null);
    return null;
  } catch (error) {
    return startFault(error);
  }
}

let next = 0;
async function startInTurn(): Promise<void> {
  while (next < environments.length) {
    const index = next;
    next += 1;
    messages[index] = await faultOfStart(environments[index] ?? {});
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, startInTurn));
writeFileSync(wanted, JSON.stringify(messages));
process.exit(0);
