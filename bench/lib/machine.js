import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** Describes the machine, without which a measurement is meaningless. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    /** Processes that wanted a core in the last minute: measurements on a busy machine are unreliable. */
    load: loadavg()[0],
  };
}

/** Folders to search for packages, in this order. */
const PLACES = ['../node_modules/', '../../node_modules/'];

/** Versions as installed. @param {readonly string[]} names @returns {Record<string, string>} */
export function versions(names) {
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

function versionOf(name) {
  for (const place of PLACES) {
    try {
      const url = new URL(`${place}${name}/package.json`, import.meta.url);
      return JSON.parse(readFileSync(url, 'utf8')).version;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  return 'not installed';
}
