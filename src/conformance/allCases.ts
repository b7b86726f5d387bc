import type { Latchkey } from '../index.js';
import { checkObject, optionError, unknownOption } from '../shared/optionChecks.js';
import { errorCases } from './cases/errorCases.js';
import { boundCases } from './cases/boundCases.js';
import { credentialCases } from './cases/credentialCases.js';
import { filterCases } from './cases/filterCases.js';
import { identityCases } from './cases/identityCases.js';
import { limitCases } from './cases/limitCases.js';
import { nameCases } from './cases/nameCases.js';
import { shapeCases } from './cases/shapeCases.js';
import { startCases } from './cases/startCases.js';
import { streamCases } from './cases/streamCases.js';
import { transportCases } from './cases/transportCases.js';
import { EXCEPTIONS } from './exceptions.js';
import type { ConformanceCase, ConformanceOptions } from './conformanceOptions.js';
import { Suite } from './suite.js';

const NAMES = ['start', 'exceptions', 'createLatchkey'];

/**
 * Returns the cases that every server guarded by Latchkey must pass: published bypasses, statuses and header fields, limits, errors and
 * streams. The cases start servers and send real HTTP requests.
 *
 * @throws TypeError for an invalid option
 * @example
 * ```ts
 * import { test } from 'node:test';
 * import { ApolloServer } from '@apollo/server';
 * import { startStandaloneServer } from '@apollo/server/standalone';
 * import { apolloOptions } from 'latchkey/apollo';
 * import { conformance } from 'latchkey/conformance';
 *
 * const cases = conformance({
 *   async start({ schema, latchkey }) {
 *     const server = new ApolloServer(apolloOptions(latchkey, { schema }));
 *     const { url } = await startStandaloneServer(server, { context: latchkey.context, listen: { port: 0 } });
 *     return { url, close: () => server.stop() };
 *   },
 *   exceptions: ['NO_STREAMS'],
 * });
 * for (const { name, run } of cases) test(name, run);
 * ```
 */
export function conformance<L extends Latchkey = Latchkey>(options: ConformanceOptions<L>): readonly ConformanceCase[] {
  checkConformanceOptions(options);
  const suite = new Suite(options);
  return [
    ...startCases(suite),
    ...shapeCases(suite),
    ...filterCases(suite),
    ...identityCases(suite),
    ...credentialCases(suite),
    ...transportCases(suite),
    ...streamCases(suite),
    ...limitCases(suite),
    ...boundCases(suite),
    ...nameCases(suite),
    ...errorCases(suite),
  ];
}

function checkConformanceOptions(options: object): void {
  checkObject('conformance', options, `an object with ${NAMES.join(', ')}`);
  for (const name of Object.keys(options)) if (!NAMES.includes(name)) throw unknownOption('conformance', name, NAMES);
  const { start, exceptions = [] } = options as { start?: unknown; exceptions?: readonly string[] };
  if (typeof start !== 'function') throw optionError('conformance: start', start, 'a function');
  const known = Object.keys(EXCEPTIONS);
  const unknown = exceptions.find((name) => !known.includes(name));
  if (unknown !== undefined) throw optionError('conformance: exceptions', unknown, known.join(', '));
}
