import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { startWatchdog } from './watchdog.mjs';

// Opens the pipes, which are otherwise opened by the first test file that prints something or starts a thread.
process.stdout.write('');
process.stderr.write('');
process.stdin.pause();

// Every test file of a worker may listen for the end of its process.
process.setMaxListeners(200);

const watched = startWatchdog();

// A test that fails for one of many random values must not fail a build that has nothing to do with it.
const { PROPERTY_SEED: seed = '1' } = process.env;
if (seed !== 'random' && !Number.isSafeInteger(Number(seed)))
  throw new Error(`PROPERTY_SEED is ${seed}. Allowed: an integer, or random.`);

// Otherwise graphql looks for a second copy of itself at each comparison of types, which takes a seventh of each start of a service.
// NODE_ENV stays as it is for other packages.
const { NODE_ENV = 'test' } = process.env;
process.env.NODE_ENV = 'production';
createRequire(import.meta.url)('graphql/jsutils/instanceOf.js');
process.env.NODE_ENV = NODE_ENV;

/**
 * Runs test files in the worker's own realm, where a new `vm` context for each file would load all packages again and make every use of
 * a global slower. It restores what a file changes.
 */
export default class SharedRealm {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  #console = globalThis.console;
  #exit = process.exit.bind(process);
  #env = { ...process.env };
  #open = process.getActiveResourcesInfo();
  #listeners = channelListeners();
  #path = '';

  /**
   * @param {{ projectConfig: import('@jest/types').Config.ProjectConfig }} options
   * @param {{ testPath: string }} context
   */
  constructor({ projectConfig }, { testPath }) {
    this.#path = testPath;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup() {
    watched(this.#path);
    // As outside of tests. Jest sets 100, and every error and every `expect` records that many callers, which takes a twentieth of the CPU
    // time of all tests.
    Error.stackTraceLimit = 10;
    const { default: fc } = await import('fast-check');
    fc.configureGlobal(seed === 'random' ? {} : { seed: Number(seed) });
    // It registers itself, once for each worker.
    await import('../ts-loader.mjs');
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    globalThis.console = this.#console;
    process.exit = this.#exit;
    for (const name of Object.keys(process.env))
      if (!Object.hasOwn(this.#env, name)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, this.#env);
    const left = await leftOpen(this.#open);
    // They keep the channel to Jest open, and so the worker at its end.
    if (channelListeners() > this.#listeners) left.push("listeners of process for 'message' or 'disconnect'");
    if (left.length > 0) process.stderr.write(`${this.#path} does not close: ${left.join(', ')}\n`);
    watched(null);
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return null;
  }
}

const channelListeners = () => process.listenerCount('message') + process.listenerCount('disconnect');

/**
 * Returns what keeps the process alive and was opened since `before`, such as `TCPSocketWrap`, `ProcessWrap` or `Timeout`: Jest would
 * end the worker by force. Resources that are being closed get two seconds.
 *
 * @param {string[]} before
 */
async function leftOpen(before) {
  // Jest's own timers run in this process.
  if (process.send === undefined) return [];
  for (let i = 0; ; i += 1) {
    const left = process.getActiveResourcesInfo();
    for (const resource of before) {
      const at = left.indexOf(resource);
      if (at !== -1) left.splice(at, 1);
    }
    if (left.length === 0 || i === 40) return left;
    await delay(50);
  }
}
