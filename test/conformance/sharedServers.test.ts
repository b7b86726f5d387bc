import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { apolloOptions } from '../../src/apollo.js';
import { conformance } from '../../src/conformance.js';
import { until } from '../../src/conformance/expect.js';

/** The suite on a server that records when it starts and closes, and that fails on demand. */
function recorded() {
  const server = { started: 0, closed: 0, isBroken: false };
  const cases = conformance({
    async start({ schema, latchkey }) {
      const apollo = new ApolloServer(apolloOptions(latchkey, { schema }));
      const { url } = await startStandaloneServer(apollo, {
        context: (given) => (server.isBroken ? Promise.reject(new Error('broken')) : latchkey.context(given)),
        listen: { port: 0, host: '127.0.0.1' },
      });
      server.started += 1;
      const close = async (): Promise<void> => {
        await apollo.stop();
        server.closed += 1;
      };
      return { url, close };
    },
    exceptions: ['NO_STREAMS', 'UNCOUNTED_REQUESTS'],
  });
  const run = (pattern: RegExp): Promise<void> => {
    const found = cases.find(({ name }) => pattern.test(name));
    if (found === undefined) throw new Error(`No case matches ${pattern.source}.`);
    return found.run();
  };
  return { server, run };
}

test('cases with the same options share a server, and it closes after the last', async () => {
  const { server, run } = recorded();
  await run(/^accepts a key as X-API-Key$/);
  await run(/^an unknown key/);
  await run(/^filter: leaves out a root field/);
  await run(/^filter: leaves out aliases/);
  expect(server.started).toBe(2);
  await until(() => server.closed === 2, 'the end of the servers');
});

test('cases that run at the same time have different servers', async () => {
  const { server, run } = recorded();
  await Promise.all([run(/^accepts a key as X-API-Key$/), run(/^an unknown key/)]);
  expect(server.started).toBe(2);
  await until(() => server.closed === 2, 'the end of the servers');
});

test('no case gets the server of a case that failed or that has left an error', async () => {
  const { server, run } = recorded();
  server.isBroken = true;
  await expect(run(/^accepts a key as X-API-Key$/)).rejects.toThrow();
  expect(server).toMatchObject({ started: 1, closed: 1 });
  server.isBroken = false;
  await run(/^an unexpected error of a resolver/);
  expect(server).toMatchObject({ started: 2, closed: 2 });
});

test('a case can use up a limit that the case before it has used up', async () => {
  const { server, run } = recorded();
  for (let i = 0; i < 2; i += 1) await run(/^without a key, requests are counted by network/);
  expect(server.started).toBe(1);
  await until(() => server.closed === 1, 'the end of the server');
});
