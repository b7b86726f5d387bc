import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { GraphQLSchema } from 'graphql';
import { conformance, EXCEPTIONS } from '../../src/conformance.js';
import type { Latchkey } from '../../src/index.js';
import { PROJECT } from '../support/project.js';
import { documentOf } from '../support/session.js';

const page = documentOf('docs/how-to/write-an-adapter.md');
const [, adapter = ''] = /```ts\n([^]*?)\n```/.exec(page) ?? [];
/** In the project, so that the page's imports are found. */
const directory = join(PROJECT, 'node_modules/.cache', `latchkey-adapter-${process.pid}`);
const file = join(directory, 'adapter.ts');

type Create = (latchkey: Latchkey, schema: GraphQLSchema) => Server;

let createGraphqlServer: Create;
beforeAll(async () => {
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, adapter);
  ({ createGraphqlServer } = (await import(pathToFileURL(file).href)) as { createGraphqlServer: Create });
});
afterAll(() => rmSync(directory, { recursive: true }));

const cases = conformance({
  async start({ schema, latchkey }) {
    const server = createGraphqlServer(latchkey, schema).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/graphql`, close: () => new Promise((resolve) => server.close(resolve)) };
  },
  exceptions: ['NO_STREAMS', 'NO_GET'],
});

describe('the adapter of the page', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
});

test('the page lists the exceptions of the suite', () => {
  expect([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name).sort()).toEqual(Object.keys(EXCEPTIONS).sort());
});
