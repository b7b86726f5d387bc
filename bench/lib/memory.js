/** Returns the size of live objects and buffers in bytes. Needs --expose-gc. */
export function memoryInUse() {
  // Twice, because objects freed by the first run may have referred to others.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
