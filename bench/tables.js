// Prints docs/performance.md from results, with bench/reading.md at its end: node bench/tables.js [results.json ...] > docs/performance.md
import { readFileSync } from 'node:fs';
import { asMarkdown } from './lib/report.js';

const files = process.argv.slice(2);
if (files.length === 0) files.push(new URL('results/latest.json', import.meta.url));
const results = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));

const places = new Set(results.map(({ machine: { cpu, cores, os, node } }) => [cpu, cores, os, node].join()));
if (places.size > 1) {
  console.error('The results are of different machines. Figures that are compared have to come from one.');
  process.exit(1);
}

/** Of a row that was measured twice the later result counts. */
const rows = new Map(results.flatMap((result) => result.rows.map((row) => [row.name, { ...row, result }])));

console.log(`# Performance

Latchkey measured beside its peers, on one machine, in the same run. Each comparison has several rounds in which every subject
has its turn; shown are the median over the rounds, the lowest and the highest, and the median of the ratios of the rounds.
What a subject does is said above each table. \`npm run build && npm run bench\` measures anew and
\`node bench/tables.js > docs/performance.md\` writes this page.

${machineInWords(results[0].machine)}
${[...rows.values()].map(section).join('\n')}
${readFileSync(new URL('reading.md', import.meta.url), 'utf8').trimEnd()}`);

function machineInWords({ cpu, cores, memoryGb, os, node }) {
  return `Machine: ${cpu}, ${cores} cores, ${memoryGb} GB, ${os}, Node ${node}.\n`;
}

function section({ title, about, versions, measures, failed, result }) {
  const installed = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { rounds, seconds, mongodb } = result.options;
  return [
    `## ${title}\n`,
    `${about}\n`,
    ...measures.map(asMarkdown),
    ...(failed === undefined ? [] : [`Broken off: ${failed}\n`]),
    `<sub>\`${result.command}\`, ${result.at.slice(0, 10)}, ${rounds} rounds of ${seconds} s where there is load, MongoDB ${mongodb ? 'given' : 'not given'}. ${installed.join(', ')}.</sub>\n`,
  ].join('\n');
}
