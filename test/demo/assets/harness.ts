import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { assetResolvers, type AssetContext } from '../../../src/demo/assets/resolvers.js';
import { ANONYMOUS, authenticated, type Principal } from '../../../src/core/auth/principal.js';
import { AnswerBudgets } from '../../../src/core/guard/answer/budget.js';
import { ANSWER_LIMITS } from '../../../src/core/guard/answer/answerLimits.js';
import { meterResolvers } from '../../../src/core/guard/guardedResolvers.js';
import { notFound } from '../../../src/core/errors/refusal.js';
import { AssetService } from '../../../src/demo/assets/service.js';
import type { AssetStore } from '../../../src/demo/store/demoStore.js';
import { servedTypeDefs } from '../../../src/server/servedTypeDefs.js';
import { openDemoTarget } from '../store/demoTarget.js';

export const NOON = Date.UTC(2026, 2, 1, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/**
 * The domain on a real store in a separate directory, with a clock that tests can set. All calls to the store are
 * counted.
 */
export interface Harness {
  readonly clock: { now: number };
  readonly store: AssetStore;
  readonly service: AssetService;
  /** Names of the store operations that were called since the last `calls.splice(0)`. */
  readonly calls: string[];
  /** The assets that these calls named, such as `columnsOf orders`. */
  readonly named: string[];
  /** Runs an operation as the given workspace. */
  run(source: string, variables?: Record<string, unknown>, workspaceId?: string | null): Promise<ExecutionResult>;
  close(): Promise<void>;
}

export async function openHarness(): Promise<Harness> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-assets-'));
  const engine = await openDemoTarget({ engine: 'sqlite', dir, inThisThread: true });
  for (const id of ['ws_a', 'ws_b']) {
    await engine.workspaces.ensure({ id, name: id, tier: 'GROWTH', createdAt: NOON });
  }
  const calls: string[] = [];
  const named: string[] = [];
  const store = counting(engine.assets, calls, named);
  const clock = { now: NOON };
  const service = new AssetService(store, () => clock.now);
  const schema = meterResolvers(schemaOf(service), new AnswerBudgets(ANSWER_LIMITS));
  return {
    clock,
    store,
    service,
    calls,
    named,
    run: async (source, variables, workspaceId = 'ws_a') => {
      const contextValue: AssetContext = { principal: workspaceId === null ? ANONYMOUS : actorIn(workspaceId) };
      return graphql({ schema, source, variableValues: variables ?? null, contextValue });
    },
    close: async () => {
      await engine.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** The public schema. DateTime and Duration remain numbers, as in the resolvers. */
function schemaOf(service: AssetService): GraphQLSchema {
  return makeExecutableSchema({
    typeDefs: servedTypeDefs(true),
    resolvers: { ...assetResolvers({ service, project }) },
  });
}

function actorIn(workspaceId: string): Principal {
  return authenticated({
    kind: 'key',
    keyId: 'key_a',
    familyId: 'fam_a',
    workspaceId,
    projectId: null,
    userId: null,
    tier: 'GROWTH',
    keyType: 'SECRET',
    scopes: ['admin'],
  });
}

/** No projects. */
async function project(): Promise<never> {
  throw notFound('project');
}

function counting(store: AssetStore, calls: string[], named: string[]): AssetStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        if (Array.isArray(args[1])) named.push(...args[1].map((asset) => `${String(name)} ${String(asset)}`));
        return Reflect.apply(value, target, args);
      };
    },
  });
}
