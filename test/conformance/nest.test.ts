import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { GraphQLSchema } from 'graphql';
import { conformance } from '../../src/conformance.js';
import type { Latchkey } from '../../src/index.js';
import { LatchkeyModule } from '../../src/nest.js';
import { decorate, graphqlModule, moduleClass, type Driver } from '../adapters/nest/application.js';

/** Starts an application that serves a schema. */
async function start(driver: Driver, schema: GraphQLSchema, latchkey: Latchkey): Promise<INestApplication> {
  const AppModule = moduleClass();
  // The suite closes its Latchkey, and guards schemas itself: some cases have none on purpose.
  const kept = { ...latchkey, guard: (given: GraphQLSchema) => given, close: () => Promise.resolve() };
  const imports = [LatchkeyModule.forRoot({ latchkey: kept }), graphqlModule(driver, { schema, path: '/graphql' })];
  decorate(AppModule, null, Module({ imports }));
  const app = await NestFactory.create(AppModule, {
    logger: false,
    abortOnError: false,
    // Yoga reads bodies itself.
    bodyParser: driver === 'apollo',
  });
  await app.listen(0, '127.0.0.1');
  return app;
}

describe.each(['apollo', 'yoga'] as const)('Nest with the %s driver', (driver) => {
  const cases = conformance({
    async start({ schema, latchkey }) {
      const app = await start(driver, schema, latchkey);
      const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
      const url = `http://127.0.0.1:${port}/graphql`;
      const close = () => app.close();
      return driver === 'apollo' ? { url, close } : { url, close, streams: { protocol: 'graphql-sse', url } };
    },
    exceptions: driver === 'apollo' ? ['NO_STREAMS', 'UNCOUNTED_REQUESTS'] : [],
  });

  test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
});
