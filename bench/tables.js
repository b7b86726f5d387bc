// Prints docs/reference/performance.md from results, with bench/reading.md at its end: node bench/tables.js [results.json ...] > docs/reference/performance.md
// With --update, replaces only the sections of the measured rows in that file, and its end: node bench/tables.js --update [results.json ...]
import { readFileSync, writeFileSync } from 'node:fs';
import { asMarkdown, digits } from './lib/report.js';
import { ROWS } from './lib/rowNames.js';

const PAGE = new URL('../docs/reference/performance.md', import.meta.url);

const isUpdate = process.argv[2] === '--update';
const files = process.argv.slice(isUpdate ? 3 : 2);
if (files.length === 0) files.push(new URL('results/latest.json', import.meta.url));
const results = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));

const places = new Set(results.map(({ machine: { cpu, cores, os, node } }) => [cpu, cores, os, node].join()));
if (places.size > 1) {
  console.error('The results come from different machines, so they cannot be compared. Pass results from one machine.');
  process.exit(1);
}

/** If a row was measured twice, the later result is shown. */
const rows = new Map(results.flatMap((result) => result.rows.map((row) => [row.name, { ...row, result }])));

if (isUpdate) writeFileSync(PAGE, updated(readFileSync(PAGE, 'utf8')));
else console.log(page());

function page() {
  return `# Performance

This page compares Latchkey with other libraries, measured on one machine in the same run. In each round, every subject is measured once.
The tables show the median of all rounds, the lowest and the highest value, and the median ratio of Latchkey's value to the
subject's value ("Latchkey ÷ it"). The text above each table describes what was measured. To measure it yourself, run
\`npm run build && npm run bench\`, then \`node bench/tables.js > docs/reference/performance.md\`.

${machineLine(results[0].machine)}
${inOrder([...rows.values()])
  .map(section)
  .join('\n')}
${reading()}`;
}

/** Returns the page with these rows in place of the earlier ones, or before the last row, and with reading.md at its end. */
function updated(text) {
  const [title] = reading().split('\n');
  const [head, ...sections] = text.slice(0, text.indexOf(title)).split(/^(?=## )/m);
  for (const row of rows.values()) {
    const { machine } = row.result;
    const isOther = !head.includes(machineLine(machine));
    const where = `Measured on another machine than the other sections, with other load on it (load average ${digits(machine.load)}). ${machineLine(machine)}\n`;
    const written = `${section(isOther ? { ...row, about: `${where}${row.about}` } : row)}\n`;
    const at = sections.findIndex((one) => headingOf(one) === headingOf(`## ${row.title}\n`));
    sections.splice(at === -1 ? -1 : at, at === -1 ? 0 : 1, written);
  }
  return `${head}${sections.join('')}${reading()}\n`;
}

/** The order of a complete run, in whichever order the rows were measured. */
function inOrder(list) {
  return list.sort((a, b) => ROWS.indexOf(a.name) - ROWS.indexOf(b.name));
}

/** Returns the heading of a section without the list of its subjects, which changes when a row measures more. */
function headingOf(text) {
  return text.slice(0, text.indexOf('\n')).split(':')[0];
}

function reading() {
  return readFileSync(new URL('reading.md', import.meta.url), 'utf8').trimEnd();
}

function machineLine({ cpu, cores, memoryGb, os, node }) {
  return `Machine: ${cpu}, ${cores} cores, ${memoryGb} GB, ${os}, Node ${node}.\n`;
}

function section({ title, about, versions, measures, failed, result }) {
  const installed = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { rounds, seconds, mongodb } = result.options;
  return [
    `## ${title}\n`,
    `${about}\n`,
    ...measures.map(asMarkdown),
    ...(failed === undefined ? [] : [`Aborted: ${failed}\n`]),
    `<sub>\`${result.command}\`, ${result.at.slice(0, 10)}, ${rounds} rounds, ${seconds} s of load in each, ${mongodb ? 'with' : 'without'} MongoDB. ${installed.join(', ')}.</sub>\n`,
  ].join('\n');
}
