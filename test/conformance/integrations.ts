import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { conformance, type ConformanceException, type ConformanceServer } from '../../src/conformance.js';

interface Example {
  readonly start: (given: ConformanceServer, port: number) => Promise<Server>;
}

/** Runs the suite on an example of examples/apollo. @param path of operations */
export function testExample(name: string, path: string, exceptions: readonly ConformanceException[]): void {
  const cases = conformance({
    async start(given) {
      const { start } = (await import(new URL(`../../examples/apollo/${name}.js`, import.meta.url).href)) as Example;
      const server = await start(given, 0);
      if (!server.listening) await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return { url: `http://127.0.0.1:${port}${path}`, close: () => new Promise((resolve) => server.close(resolve)) };
    },
    exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS', ...exceptions],
  });
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
}
