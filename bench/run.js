// Compares Latchkey with other libraries. See `node bench/run.js --help`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { end } from './lib/atEnd.js';
import { stopChildren } from './lib/child.js';
import { machine, versions } from './lib/machine.js';
import { summarise } from './lib/measure.js';
import { asText } from './lib/report.js';
import { ROWS } from './lib/rowNames.js';
import { writeThreadEntries } from './lib/threads.js';

const USAGE = `node bench/run.js [row ...] [--quick] [--rounds N] [--seconds N] [--only kind,...]

Rows: ${ROWS.join(', ')}. Without a name: all rows. Build Latchkey first: build/ and dist/ are measured.
  --quick     fewer and shorter rounds, for a quick check
  --rounds    rounds of each comparison (default 7; quick 3)
  --seconds   length of a round of load (default 5; quick 1)
  --only      servers of the rows "stack" and "own", for example latchkey,bare,yoga
MONGODB_URI   adds rows with MongoDB; creates and drops databases whose names begin with bench_
BENCH_PROF_DIR  a directory in which each server writes a CPU profile
`;

/**
 * The options of a row.
 *
 * @typedef {object} Run
 * @property {boolean} quick
 * @property {number} rounds
 * @property {number} seconds
 * @property {readonly string[] | null} only
 * @property {string | null} mongodbUri
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const unknown = positionals.filter((name) => !ROWS.includes(name));
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `There is no row ${unknown.join(', ')}.\n\n${USAGE}` : USAGE);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const breakOff = () => void end().finally(() => process.exit(130));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, breakOff);
// For example if the output is piped into head.
process.stdout.once('error', breakOff);

try {
  await run();
} finally {
  await end();
}

async function run() {
  /** @type {Run} */
  const options = {
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 3 : 7)),
    seconds: Number(values.seconds ?? (values.quick ? 1 : 5)),
    only: values.only?.split(',') ?? null,
    mongodbUri: process.env.MONGODB_URI ?? null,
  };
  writeThreadEntries();
  const { mongodbUri, ...shown } = options;
  const result = {
    command: ['node bench/run.js', ...process.argv.slice(2)].join(' '),
    at: new Date().toISOString(),
    machine: machine(),
    options: { ...shown, mongodb: mongodbUri !== null },
    /** @type {object[]} */
    rows: [],
  };
  for (const name of ROWS.filter((row) => positionals.length === 0 || positionals.includes(row))) {
    const row = await import(`./rows/${name}.js`);
    console.log(`== ${row.title}\n`);
    const entry = { name, title: row.title, about: row.about, versions: versions(row.packages), measures: [] };
    result.rows.push(entry);
    try {
      for await (const measure of row.measure(options)) {
        const summary = summarise(measure);
        entry.measures.push({ ...summary, samples: measure.samples });
        console.log(asText(summary));
      }
    } catch (error) {
      // The other rows are still useful; the run fails at its end.
      entry.failed = String(error.message ?? error);
      console.error(error);
      process.exitCode = 1;
    }
    await stopChildren();
  }
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const text = `${JSON.stringify(result, null, 2)}\n`;
  for (const name of [`${result.at.replaceAll(':', '-')}.json`, 'latest.json'])
    writeFileSync(new URL(name, directory), text);
  console.log(`Results: bench/results/latest.json`);
}
