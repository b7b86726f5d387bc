import { setTimeout as delay } from 'node:timers/promises';

/** Waits for what a started process does, for as long as its start may take on a busy machine. @throws Error after a minute */
export async function comes(condition: () => boolean): Promise<void> {
  for (let left = 3_000; left > 0; left -= 1) {
    if (condition()) return;
    await delay(20);
  }
  throw new Error(`It did not come to pass: ${String(condition)}`);
}
