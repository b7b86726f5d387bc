import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { conformance, type ConformanceException, type ConformanceServer } from '../../src/conformance.js';

/** A server of examples/apollo. */
export interface Example {
  readonly start: (given: ConformanceServer, port: number) => Promise<Server>;
}

/** Returns a function that loads an example. */
export const example = (name: string) => async (): Promise<Example> =>
  (await import(new URL(`../../examples/apollo/${name}.js`, import.meta.url).href)) as Example;

/** Runs the suite on an example. @param path of operations */
export function testExample(
  load: () => Promise<Example>,
  path: string,
  exceptions: readonly ConformanceException[],
): void {
  const cases = conformance({
    async start(given) {
      const { start } = await load();
      const server = await start(given, 0);
      if (!server.listening) await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return { url: `http://127.0.0.1:${port}${path}`, close: () => new Promise((resolve) => server.close(resolve)) };
    },
    exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS', ...exceptions],
  });
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
}
