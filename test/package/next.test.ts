import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { conformance, type ConformanceServer } from '../../src/conformance.js';
import { serveFunction } from '../conformance/bridge.js';
import { PROJECT } from '../support/project.js';

interface Example {
  readonly createHandler: (given: ConformanceServer) => (request: Request) => Promise<Response>;
}

/** The integration for Next.js, without Next.js itself: it is large, and a route handler only takes and returns objects of the Fetch API. */
const PACKAGE = '@as-integrations/next@4.1.0';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-next-'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module", "private": true }');
  const options = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, stderr } = spawnSync('npm', ['install', ...options, PACKAGE], { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  for (const name of ['@apollo', 'graphql']) {
    symlinkSync(join(PROJECT, 'node_modules', name), join(directory, 'node_modules', name));
  }
  copyFileSync(join(PROJECT, 'examples/apollo/next.js'), join(directory, 'route.js'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const cases = conformance({
  async start(given) {
    const { createHandler } = (await import(pathToFileURL(join(directory, 'route.js')).href)) as Example;
    const handler = createHandler(given);
    return serveFunction(async ({ method, url, headers, body }) => {
      const init = { method, headers, ...(method !== 'GET' && { body }) };
      const response = await handler(new Request(`http://localhost${url}`, init));
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
    });
  },
  exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS', 'JOINED_HEADERS', 'NO_ADDRESS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
