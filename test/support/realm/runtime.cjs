/* oxlint-disable typescript/no-require-imports, typescript/no-dynamic-delete -- Jest requires this module, and keeps state in others. */
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return
   -- Jest's types don't have the parts that this file uses. */
const { existsSync, readFileSync } = require('node:fs');
const asyncHooks = require('node:async_hooks');
const { createRequire } = require('node:module');
const { fileURLToPath, pathToFileURL } = require('node:url');
const { default: Runtime } = require('jest-runtime');

let files = 0;
/** @type {((path: string, source: string) => string) | null} */
let keptAt = null;

/**
 * Loads test files with Node's own loader: modules of src and of packages are loaded once for each worker, and modules of test/ once for
 * each test file (ts-loader.mjs).
 */
module.exports = class SharedRealmRuntime extends Runtime {
  /** @param {string} path */
  async unstable_importModule(path) {
    ({ keptAt } = await import('../ts-loader.mjs'));
    // realm/globals.mjs
    globalThis[Symbol.for('latchkey.jest')] = this.jestGlobals.jestObjectFor(path);
    files += 1;
    return import(`${pathToFileURL(path).href}?file=${files}`);
  }

  /** @param {string} from @param {string} [name] */
  requireModule(from, name) {
    return name === undefined ? require(from) : createRequire(from)(name);
  }

  /** @param {string} from @param {string} [name] */
  requireInternalModule(from, name) {
    const path = name === undefined ? from : createRequire(from).resolve(name);
    return path.includes('/jest-circus/') ? loadCircus(path) : require(path);
  }

  /** For stack traces: finds the file with the map of a module. */
  getSourceMaps() {
    return { get: mapOf, [Symbol.iterator]: () => [].values() };
  }
};

const { AsyncLocalStorage } = asyncHooks;

/**
 * Knows the running test or hook, to which jest-circus counts unhandled errors. Tests of a file run one after another, so an
 * AsyncLocalStorage is not needed. From its first use on, Node would run a hook for each new promise of the worker.
 */
class Running {
  /** @type {object | undefined} */
  #context = undefined;

  /** @param {object} context @param {() => Promise<unknown>} work */
  async run(context, work) {
    const outer = this.#context;
    this.#context = context;
    try {
      return await work();
    } finally {
      this.#context = outer;
    }
  }

  getStore() {
    return this.#context;
  }
}

/**
 * jest-circus keeps the tests of a file in its module, so each file gets a new one. Its handlers must not add up: otherwise each event of a
 * test costs more with every file.
 *
 * @param {string} path
 */
function loadCircus(path) {
  delete require.cache[path];
  // The module adds its handlers to the list that it finds here.
  Reflect.deleteProperty(globalThis, Symbol.for('EVENT_HANDLERS'));
  // The state of the earlier file has its tests, and so everything that they refer to.
  for (const symbol of Object.getOwnPropertySymbols(globalThis))
    if (symbol.description === 'JEST_STATE_SYMBOL') Reflect.deleteProperty(globalThis, symbol);
  asyncHooks.AsyncLocalStorage = /** @type {any} */ (Running);
  try {
    return require(path);
  } finally {
    asyncHooks.AsyncLocalStorage = AsyncLocalStorage;
  }
}

/** @type {Map<string, string | undefined>} */
const maps = new Map();

/**
 * Remembers the map of each module, because Jest asks for every line of every stack trace that anything reads.
 *
 * @param {string} address
 */
function mapOf(address) {
  if (!maps.has(address)) maps.set(address, findMap(address));
  return maps.get(address);
}

/** @param {string} address */
function findMap(address) {
  if (keptAt === null || !/^file:.*\.ts(\?|$)/.test(address)) return undefined;
  const path = fileURLToPath(address);
  const map = `${keptAt(path, readFileSync(path, 'utf8'))}.map`;
  return existsSync(map) ? map : undefined;
}
