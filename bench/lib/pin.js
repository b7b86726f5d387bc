import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Whether processes can be pinned to a core here: with taskset of util-linux, and at least two cores. */
export const canPin = availableParallelism() > 1 && taskset('-p', String(process.pid));

/** Has all threads of a process run on one core. @param {number | string} core @param {number} pid */
export function pin(core, pid) {
  if (!taskset('-acp', String(core), String(pid)))
    throw new Error(`Process ${pid} could not be pinned to core ${core}.`);
}

/** Has all threads of a process run on any core. @param {number} pid */
export function unpin(pid) {
  pin(`0-${availableParallelism() - 1}`, pid);
}

function taskset(...args) {
  return spawnSync('taskset', args).status === 0;
}
