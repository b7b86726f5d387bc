/**
 * Preloaded by Node's --import: at the end of the process, writes to LOADED_FILE how many files of OpenTelemetry's packages it has loaded.
 * Doesn't count its API, which prom-client needs and which does nothing by itself.
 */
import { writeFileSync } from 'node:fs';
import Module from 'node:module';

process.on('exit', () => {
  // They are CommonJS, so its cache contains them however they were loaded.
  const loaded = Object.keys(Module._cache).filter((path) => /@opentelemetry.(?!api)/.test(path));
  writeFileSync(process.env.LOADED_FILE, String(loaded.length));
});
