import { stopChildren } from './child.js';
import { removeTemporary } from './temporary.js';

/** @type {(() => unknown)[]} */
const steps = [];

/** Has something done at the end, also where a row failed or the run was interrupted. The latest comes first. */
export function atEnd(step) {
  steps.unshift(step);
}

/** Children first, for they use what the other steps take away. */
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
