/** Bytes that live objects hold, buffers included. Needs Node's --expose-gc. */
export function memoryInUse() {
  // Twice: what the first run finds dead may have held others.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
