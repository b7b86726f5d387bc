/** Blocks the event loop for this time, like a busy process, but without taking CPU time from other tests. */
export function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
