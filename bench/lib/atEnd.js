import { stopChildren } from './child.js';
import { removeTemporary } from './temporary.js';

/** @type {(() => unknown)[]} */
const steps = [];

/** Adds a step to run at the end, even if a row fails or the run is interrupted. The latest step runs first. */
export function atEnd(step) {
  steps.unshift(step);
}

/** Children first, because they use resources that the other steps remove. */
export async function end() {
  await stopChildren();
  for (const step of steps.splice(0)) {
    try {
      await step();
    } catch (error) {
      console.error(error);
    }
  }
  removeTemporary();
}
