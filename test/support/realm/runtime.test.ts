import { run } from '../run.js';

/** Loads jest-circus as for three test files, each of which adds a handler. */
const PROGRAM = `
  const hooks = require('node:async_hooks');
  let storages = 0;
  hooks.AsyncLocalStorage = class extends hooks.AsyncLocalStorage {
    constructor() {
      super();
      storages += 1;
    }
  };
  const Runtime = require('./test/support/realm/runtime.cjs');
  const circus = require('node:path').join(require.resolve('jest-circus/runner'), '../jestAdapterInit.js');
  const handlers = [];
  for (let file = 0; file < 3; file += 1) {
    Runtime.prototype.requireInternalModule(circus);
    const all = globalThis[Symbol.for('EVENT_HANDLERS')];
    handlers.push(all.length);
    all.push(() => undefined);
  }
  const states = Object.getOwnPropertySymbols(globalThis).filter(({ description }) => description === 'JEST_STATE_SYMBOL').length;
  console.log(JSON.stringify({ handlers, states, storages }));`;

test('the events of a test reach only handlers of its file, and no file uses a storage for async calls', async () => {
  const { stdout, stderr } = await run(process.execPath, ['-e', PROGRAM]);
  expect({ result: stdout && JSON.parse(stdout), stderr }).toEqual({
    result: { handlers: [2, 2, 2], states: 1, storages: 0 },
    stderr: '',
  });
});
