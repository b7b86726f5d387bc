/**
 * Runs the start of the server once for each environment of a JSON file, in one process, and writes what each was refused with
 * to another file: `node starts.ts <environments> <messages>`. Far cheaper than a process for each.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { start, startFault } from '../../src/start.js';

const [given = '', wanted = ''] = process.argv.slice(2);
const environments = JSON.parse(readFileSync(given, 'utf8')) as readonly Readonly<Record<string, string>>[];
const messages: (string | null)[] = [];
const own = process.env;
/** Starts that run at once: some wait for servers that don't answer. */
const AT_ONCE = 8;

process.setMaxListeners(0);

/** `null`: the server started. */
async function faultOfStart(environment: Readonly<Record<string, string>>): Promise<string | null> {
  process.env = { ...own, ...environment };
  try {
    // Reads the environment before it waits for anything.
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
