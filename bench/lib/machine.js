import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** What a measurement is worth nothing without. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    /** Processes that wanted a core in the last minute: figures of a busy machine are worth little. */
    load: loadavg()[0],
  };
}

/** Where the packages of the root and of bench/ are looked for, first come first served. */
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
