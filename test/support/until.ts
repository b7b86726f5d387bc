import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition. @throws Error when it does not come true within some seconds */
export async function until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
  for (let left = 600; left > 0; left -= 1) {
    if (await condition()) return;
    await delay(5);
  }
  throw new Error(`It did not come to pass: ${what}`);
}
