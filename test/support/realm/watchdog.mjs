/**
 * Ends a process whose test file hangs, and reports where. Jest's own limit is a timer in the same thread: it can't fire in an endless
 * loop, and doesn't cover the imports of a file.
 */
import { Session } from 'node:inspector';
import { writeSync } from 'node:fs';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';

/** Several times the slowest file on a busy machine, in ms. */
const LIMIT = 20 * 60_000;
/** How long to wait until the debugger reports the position of the code, in ms. */
const PAUSE = 5_000;

if (!isMainThread) watch();

/**
 * Starts a watchdog for this process.
 *
 * @returns a function to call with the path of each test file that begins, and with null when it has ended
 */
export function startWatchdog(limit = LIMIT) {
  const thread = new Worker(new URL(import.meta.url), { execArgv: [] });
  thread.unref();
  return (/** @type {string | null} */ path) => thread.postMessage({ path, limit });
}

function watch() {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  parentPort?.on('message', (/** @type {{ path: string | null, limit: number }} */ { path, limit }) => {
    clearTimeout(timer);
    if (path !== null) timer = setTimeout(() => end(path, limit), limit);
  });
}

/** @param {string} path @param {number} limit */
function end(path, limit) {
  const session = new Session();
  session.connectToMainThread();
  const report = (/** @type {string} */ where) => {
    writeSync(2, `${path} has not ended after ${limit / 1000} s. ${where}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  const reportWait = () => report('It waits for a timer, a file or a process.');
  /** @type {Map<string, string>} */
  const urls = new Map();
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => urls.set(scriptId, url));
  session.on('Debugger.paused', ({ params: { callFrames } }) => {
    const lines = callFrames.map(
      ({ functionName, location: { scriptId, lineNumber } }) =>
        `    at ${functionName} (${urls.get(scriptId)}:${lineNumber + 1})\n`,
    );
    // Node's own timers may be running at this moment.
    if (lines.every((line) => line.includes('(node:'))) reportWait();
    else report(`It is here:\n${lines.join('')}`);
  });
  session.post('Debugger.enable', () => session.post('Debugger.pause'));
  setTimeout(reportWait, PAUSE);
}
