import { writeFileSync } from 'node:fs';

/**
 * Makes the entries of threads available to the modules in build/, which look for them in their own directory. Only dist/ has
 * bundles of them.
 */
export function writeThreadEntries() {
  for (const [name, module] of Object.entries({
    sqliteThread: 'core/store/sqlite/threadMain',
    demoThread: 'demo/store/sqlite/demoThread',
  })) {
    writeFileSync(new URL(`../../build/${name}.js`, import.meta.url), `import './${module}.js';\n`);
  }
}
