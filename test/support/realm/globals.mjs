/** `@jest/globals` for modules that are loaded once and used by several test files: each call goes to the file that runs. */
export const jest = new Proxy(
  {},
  {
    get: (_, name) => globalThis[Symbol.for('latchkey.jest')][name],
  },
);
