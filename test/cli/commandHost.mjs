/**
 * Runs commands one after another in one process, which `oneProcess.ts` starts. Each command loads the program's own module again, and
 * shares the modules that this imports.
 */
import { Readable, Writable } from 'node:stream';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** The path of the program, and how long a command may keep the process alive after it has returned, in ms. */
const [, , program = '', patience = ''] = process.argv;
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');

let commands = 0;

process.exit = () => {
  throw new Error('The command ends its process. Run it in one of its own.');
};
process.on('message', (command) => void run(command).then((ran) => process.send?.(ran)));

/** @param {any} command see Command in oneProcess.ts */
async function run({ args, env, input, cwd }) {
  commands += 1;
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, program, ...args];
  process.exitCode = undefined;
  const [stdout, stderr] = [capture('stdout'), capture('stderr')];
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input, 'base64')], { objectMode: false });
  define('stdin', Object.assign(stdin, { fd: 0 }));
  const before = process.getActiveResourcesInfo();
  await import(`${pathToFileURL(program).href}?command=${commands}`);
  stdin.destroy();
  const left = await leftOpen(before);
  await closeConnections();
  const status = process.exitCode ?? 0;
  process.exitCode = undefined;
  const ran = { status, stdout: stdout(), stderr: stderr() };
  // As of a program that does not end.
  return left.length === 0 ? ran : { ...ran, status: null, stderr: `${ran.stderr}It keeps open: ${left.join(', ')}\n` };
}

/** Replaces a stream of the process, and returns a function that returns what was written to it. @param {'stdout' | 'stderr'} name */
function capture(name) {
  /** @type {Buffer[]} */
  const chunks = [];
  const write = (/** @type {Buffer} */ chunk, /** @type {unknown} */ _, /** @type {() => void} */ done) => {
    chunks.push(chunk);
    done();
  };
  define(name, new Writable({ write }));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** @param {string} name @param {unknown} value */
function define(name, value) {
  Object.defineProperty(process, name, { value, configurable: true });
}

/**
 * Waits until nothing keeps the process alive that was not there `before`, and returns what does when the patience has ended.
 *
 * @param {string[]} before
 */
async function leftOpen(before) {
  const end = performance.now() + Number(patience);
  for (;;) {
    await setImmediate();
    const left = process.getActiveResourcesInfo();
    for (const resource of before) {
      const at = left.indexOf(resource);
      if (at !== -1) left.splice(at, 1);
    }
    if (left.length === 0 || performance.now() > end) return left;
    await setTimeout(2);
  }
}

/** The next command opens its own connections, as in a new process. */
async function closeConnections() {
  const dispatcher = /** @type {any} */ (globalThis)[DISPATCHER];
  if (dispatcher === undefined) return;
  /** @type {any} */ (globalThis)[DISPATCHER] = new dispatcher.constructor();
  await dispatcher.destroy();
}
