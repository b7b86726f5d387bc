import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloDriver } from '@nestjs/apollo';
import { Module, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { createLatchkey, tierTable, type Latchkey, type LatchkeyOptions } from '../../../src/index.js';
import { LATCHKEY, LatchkeyModule } from '../../../src/nest.js';
import { nestApollo } from '../../../src/nestApollo.js';
import { nestYoga } from '../../../src/nestYoga.js';
import { answerOf, type Answer } from '../../support/service.js';
import { openStoreHere } from '../../support/storeHere.js';

export const DRIVERS = ['apollo', 'yoga'] as const;
export type Driver = (typeof DRIVERS)[number];

const WIDE = { rate: 1_000_000, burst: 1_000_000 };

// The compiler must not find the package: its types replace those of fetch in all files.
const { YogaDriver } = (await import(['@graphql-yoga', 'nestjs'].join('/'))) as { readonly YogaDriver: Type<never> };

/** A decorator, as TypeScript calls it. */
export type Decorator = (target: never, member?: never, descriptor?: never) => unknown;

/** Applies decorators to a method or a property of a class; without a member, to the class itself. */
export function decorate(target: Type, member: string | null, ...decorators: readonly unknown[]): void {
  for (const decorator of (decorators as ((...given: unknown[]) => void)[]).toReversed()) {
    if (member === null) {
      decorator(target);
      continue;
    }
    const prototype = target.prototype as object;
    decorator(prototype, member, Object.getOwnPropertyDescriptor(prototype, member));
  }
}

/** Returns the module of Nest that serves GraphQL with one of the drivers. */
export function graphqlModule(driver: Driver, options: object) {
  return driver === 'apollo'
    ? GraphQLModule.forRootAsync({
        driver: ApolloDriver,
        inject: [LATCHKEY],
        useFactory: (latchkey: Latchkey) => nestApollo(latchkey, options),
      })
    : GraphQLModule.forRootAsync({
        driver: YogaDriver,
        inject: [LATCHKEY],
        useFactory: (latchkey: Latchkey) => nestYoga(latchkey, { ...options }) as never,
      });
}

/** Returns a class to decorate as a module. */
export function moduleClass(): Type {
  // oxlint-disable-next-line typescript/no-extraneous-class -- Nest identifies a module by its class.
  return class {};
}

/** A listening Nest application. */
export interface Application {
  readonly app: INestApplication;
  readonly url: string;
  readonly latchkey: Latchkey;
  readonly admin: string;
  readonly reported: unknown[];
  /** Methods of `latchkey` and `store` that were called at the end. */
  readonly closed: string[];
  query(query: string, token?: string | null): Promise<Answer>;
  createKey(scopes: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

interface ApplicationOptions {
  readonly driver: Driver;
  readonly providers: readonly Type[];
  readonly graphql?: object;
  readonly latchkey?: Partial<LatchkeyOptions>;
}

export async function startApplication({ driver, providers, ...options }: ApplicationOptions): Promise<Application> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-nest-'));
  const closed: string[] = [];
  const reported: unknown[] = [];
  const AppModule = moduleClass();
  const opened: (() => Promise<void>)[] = [];
  const resources = async () => {
    const store = await openStoreHere(dir);
    opened.unshift(() => store.close());
    const latchkey = await createLatchkey({
      store,
      bcryptCost: 4,
      tiers: tierTable({ ANONYMOUS: WIDE, GROWTH: { ...WIDE, keys: null, adminKeys: null } }),
      log: (error) => void reported.push(error),
      ...options.latchkey,
    });
    opened.unshift(() => latchkey.close());
    const close = async (): Promise<void> => {
      closed.push('latchkey');
      await latchkey.close();
    };
    const closeStore = async (): Promise<void> => {
      closed.push('store');
      await store.close();
    };
    return { latchkey: { ...latchkey, close }, store: { close: closeStore } };
  };
  decorate(
    AppModule,
    null,
    Module({
      imports: [
        LatchkeyModule.forRootAsync({ useFactory: resources }),
        graphqlModule(driver, { autoSchemaFile: true, management: true, ...options.graphql }),
      ],
      providers: [...providers],
    }),
  );
  let app: INestApplication;
  try {
    app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    for (const closing of opened) await closing();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const url = `http://127.0.0.1:${port}/graphql`;
  const latchkey = app.get<Latchkey>(LATCHKEY);
  const admin = latchkey.firstKey?.token ?? '';
  const query: Application['query'] = async (text, token = admin) =>
    answerOf(
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query: text }),
      }),
    );
  return {
    ...{ app, url, latchkey, admin, reported, closed, query },
    async createKey(scopes) {
      const { body } = await query(
        `mutation { createApiKey(input: { name: "Key", scopes: ${JSON.stringify(scopes)} }) { token } }`,
      );
      return body.data.createApiKey.token;
    },
    async close() {
      await app.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
