/**
 * Starts the service, sends one request, and prints how many files of OpenTelemetry's packages the process has loaded.
 * Doesn't count its API, which prom-client needs and which does nothing by itself.
 */
import Module from 'node:module';
import { pino } from 'pino';
import { composeService } from '../../../src/server/compose.js';
import { readSettings } from '../../../src/server/settings/settings.js';

const service = await composeService(readSettings(), pino({ level: 'silent' }));
const origin = await service.server.listen({ port: 0, host: '127.0.0.1' });
const answer = await fetch(`${origin}/graphql`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-api-key': service.latchkey.firstKey?.token ?? '' },
  body: '{"query":"{ viewer { scopes } }"}',
});
await service.close();
// They are CommonJS, so its cache contains them however they were loaded.
const { _cache: cache } = Module as unknown as { readonly _cache: Readonly<Record<string, unknown>> };
const loaded = Object.keys(cache).filter((path) => /@opentelemetry.(?!api)/.test(path));
process.stdout.write(`status ${answer.status} loaded ${loaded.length} of ${Object.keys(cache).length}\n`);
