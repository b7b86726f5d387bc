import type { Bench } from './conformance/bench.js';
import { testArchive } from './conformance/archive.js';
import { testAudit } from './conformance/audit.js';
import { testBulk } from './conformance/bulk.js';
import { testChanges } from './conformance/changes.js';
import { testGuardedSchemas } from './conformance/guardedSchemas.js';
import { testKeys } from './conformance/keys.js';
import { testLists } from './conformance/lists.js';
import { testModel } from './conformance/model.js';
import { testPlaces, testPlacesByProcesses } from './conformance/places.js';
import { testProcesses } from './conformance/processes.js';
import { testProjects } from './conformance/projects.js';
import { testQuotas, testQuotasByProcesses } from './conformance/quotas.js';
import { testRaces } from './conformance/races.js';
import { testRemoval, testRemovalByProcesses } from './conformance/removal.js';
import { testRotation } from './conformance/rotation.js';
import { testSigningKeys } from './conformance/signingKeys.js';
import { testUsage, testUsageByProcesses } from './conformance/usage.js';
import { testLimits } from './conformance/limits.js';
import { testUsageReport, testUsageReportByProcesses } from './conformance/usageReport.js';
import { testUsers } from './conformance/users.js';
import { testWorkspaces } from './conformance/workspaces.js';
import { openTarget, type Target } from './target.js';
import type { Store } from '../../../src/core/store/store.js';

export interface Engine {
  /** The number of random sequences: each step costs a write to the disk or round trips. */
  readonly runs: number;
  /** After how many acknowledged writes a process is killed in the middle of the next, once for each number. */
  readonly killedAfter: readonly number[];
  /** Returns an empty database. */
  readonly create: () => Promise<Target>;
  readonly drop: (target: Target) => Promise<void>;
}

/** Tests the operations of each concept, so that a new operation is included. */
export function testOperations(bench: Bench): void {
  testKeys(bench);
  testBulk(bench);
  testChanges(bench);
  testRotation(bench);
  testRemoval(bench);
  testPlaces(bench);
  testLists(bench);
  testWorkspaces(bench);
  testProjects(bench);
  testUsers(bench);
  testLimits(bench);
  testAudit(bench);
  testArchive(bench);
  testUsage(bench);
  testUsageReport(bench);
  testSigningKeys(bench);
  testGuardedSchemas(bench);
  testQuotas(bench);
}

/** Tests every guarantee of the interface for an engine, in this process. */
export function storeConformance(name: string, engine: Omit<Engine, 'killedAfter'>): void {
  describe(`${name}: the store's guarantees`, () => {
    const bench = benchOf(engine);
    testOperations(bench);
    testRaces(bench);
    testModel(bench);
  });
}

/** Tests the guarantees for several processes, and for processes that are killed. */
export function storeProcessConformance(name: string, engine: Engine): void {
  describe(`${name}: the store's guarantees for processes`, () => {
    const bench = benchOf(engine);
    testProcesses(bench, engine.killedAfter);
    testPlacesByProcesses(bench);
    testRemovalByProcesses(bench);
    testUsageByProcesses(bench);
    testUsageReportByProcesses(bench);
    testQuotasByProcesses(bench);
  });
}

/** Opens a store on an empty database before the tests, and drops it after them. */
function benchOf(engine: Omit<Engine, 'killedAfter'>): Bench {
  let target: Target | undefined;
  let store: Store | undefined;
  beforeAll(async () => {
    target = await engine.create();
    store = await openTarget(target);
  });
  afterAll(async () => {
    await store?.close();
    if (target !== undefined) await engine.drop(target);
  });
  return { store: () => present(store), target: () => present(target), runs: engine.runs };
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The store is not open.');
  return value;
}
