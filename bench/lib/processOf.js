import { readFileSync } from 'node:fs';

/** Resident memory of a process, in MB. @param {number} pid */
export function memoryOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(proc(pid, 'status'))?.[1]) / 1024;
}

/** The most resident memory of a process so far, in MB. @param {number} pid */
export function peakMemoryOf(pid) {
  return Number(/VmHWM:\s+(\d+)/.exec(proc(pid, 'status'))?.[1]) / 1024;
}

/** CPU time of all threads of a process so far, in ms. @param {number} pid */
export function processorTimeOf(pid) {
  const [user, system] = proc(pid, 'stat')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

function proc(pid, file) {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}
