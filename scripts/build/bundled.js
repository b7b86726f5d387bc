import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BUILD } from './paths.js';

/**
 * Returns a plugin for rolldown and Vite that records which packages a bundle contains. scripts/build/licences.js reads
 * it.
 * @param name of the bundle
 */
export function notingBundled(name) {
  const directories = new Set();
  return {
    name: 'noting-bundled',
    generateBundle(_, files) {
      for (const file of Object.values(files)) {
        if (file.type !== 'chunk') continue;
        for (const module of file.moduleIds) {
          const [, directory] = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module) ?? [];
          if (directory !== undefined) directories.add(directory);
        }
      }
      note(name, [...directories]);
    },
  };
}

/** @param directories of packages @param name of the bundle that contains them */
export function note(name, directories) {
  mkdirSync(`${BUILD}bundled`, { recursive: true });
  writeFileSync(`${BUILD}bundled/${name}.json`, JSON.stringify(directories));
}

/** @returns the directories of the packages in the bundle */
export function noted(name) {
  return JSON.parse(readFileSync(`${BUILD}bundled/${name}.json`, 'utf8'));
}
