// Measures the cost of one operation of one caller with the maximum number of aliases: CPU time, and the growth of
// memory. `npm run build && node bench/operations.js [part of a name]`. Uses only loopback, and stops by itself after a
// few minutes. Lines that begin with ! exceed a limit. Measure on a quiet machine: each value is the lowest of three.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { OPERATOR, Program } from './lib/program.js';
import { fill, operations, ROUNDS } from './lib/operations.js';
import { removeTemporary } from './lib/temporary.js';

/** Maximum CPU time of an operation in ms, and maximum growth of memory for a refused one in MB. */
const MOST_CPU = 200;
const MOST_MEMORY = 64;
const [, , part = ''] = process.argv;

const program = await Program.start({}, ['--max-old-space-size=512']);
const caller = await fill(program);
const failures = [];
for (const { name, ask } of operations(caller)) {
  if (!name.includes(part)) continue;
  const figures = [];
  for (let round = 0; round < ROUNDS && program.isAlive; round += 1) {
    // Longer than the burst window.
    await pause(1_100);
    figures.push(await measure(ask(round)));
  }
  if (!program.isAlive) {
    console.log(`! ${name}: the process ended`);
    failures.push(name);
    break;
  }
  report(name, figures);
}
await program.stop();
removeTemporary();
if (failures.length > 0) process.exitCode = 1;

async function measure({ source, variables, token = caller.token }) {
  // Resets the peak of memory.
  writeFileSync(`/proc/${program.pid}/clear_refs`, '5');
  const { cpu: before, memory } = program;
  const { status, text } = await program.query(source, { token: token === 'operator' ? OPERATOR : token }, variables);
  return {
    cpu: program.cpu - before,
    memory: program.peak - memory,
    bytes: text.length,
    outcome: outcome(status, text),
  };
}

function outcome(status, text) {
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}

function report(name, figures) {
  const cpu = Math.min(...figures.map((figure) => figure.cpu));
  const memory = Math.min(...figures.map((figure) => figure.memory));
  const outcomes = [...new Set(figures.map((figure) => figure.outcome))].join(', ');
  const isRefused = outcomes !== '200';
  const isAbove = cpu > MOST_CPU || (isRefused && memory > MOST_MEMORY);
  if (isAbove) failures.push(name);
  console.log(
    `${isAbove ? '!' : ' '} ${name}: ${outcomes}, ${cpu} ms of CPU, ${memory.toFixed(0)} MB, ${figures[0].bytes} bytes`,
  );
}
