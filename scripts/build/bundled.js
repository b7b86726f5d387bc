import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BUILD } from './paths.js';

/**
 * A plugin of rolldown's, and so of Vite's, that notes which packages went into what is bundled: scripts/build/licences.js
 * reads it.
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

/** @param directories of packages @param name of the bundle that they are in */
export function note(name, directories) {
  mkdirSync(`${BUILD}bundled`, { recursive: true });
  writeFileSync(`${BUILD}bundled/${name}.json`, JSON.stringify(directories));
}

/** @returns the directories of packages that the bundle holds */
export function noted(name) {
  return JSON.parse(readFileSync(`${BUILD}bundled/${name}.json`, 'utf8'));
}
