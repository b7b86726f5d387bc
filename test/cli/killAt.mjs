/**
 * Preloaded into `latchkey audit archive` and its threads: ends the process by SIGKILL at the step in KILL_AT, as the
 * system does when memory is short.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const [step, times = '1'] = (process.env.KILL_AT ?? '').split(':');
let left = Number(times);

function reach(name) {
  if (name !== step || (left -= 1) > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens in this thread until the signal arrives.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const { createWriteStream } = fs;
fs.createWriteStream = (path, ...rest) => {
  const stream = createWriteStream(path, ...rest);
  for (const name of ['_write', '_writev']) {
    const write = stream[name].bind(stream);
    stream[name] = (...params) => {
      const done = params.pop();
      write(...params, (...result) => {
        reach('written in part');
        done(...result);
      });
    };
  }
  return stream;
};

const { open, rename } = promises;
promises.open = (path, ...rest) => {
  if (String(path).endsWith('.partial')) reach('written');
  return open(path, ...rest);
};
promises.rename = async (from, to) => {
  reach('read again');
  await rename(from, to);
  reach('named');
};

// Threads are started without this module and without the environment.
threads.Worker = class extends threads.Worker {
  constructor(entry, options) {
    super(entry, { ...options, env: { KILL_AT: process.env.KILL_AT }, execArgv: ['--import', import.meta.url] });
  }
};
syncBuiltinESMExports();

const Database = createRequire(import.meta.url)('libsql');
const { prepare } = Database.prototype;
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  const name = sql.startsWith('INSERT INTO auditBases')
    ? 'base'
    : sql.startsWith('DELETE FROM audit ')
      ? 'delete'
      : null;
  if (name === null) return statement;
  const run = statement.run.bind(statement);
  statement.run = (...params) => {
    reach(name);
    const result = run(...params);
    reach(`${name} run`);
    return result;
  };
  return statement;
};
