import type { Store } from '../../../src/core/store/store.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import { present, type Engine } from '../../core/store/conformance.js';
import type { Target } from '../../core/store/target.js';
import { testAssets } from './conformance/assets.js';
import { testEvents } from './conformance/events.js';
import { openDemoTarget, type DemoBench } from './demoTarget.js';

/** Tests the operations of the built-in domain. */
export function testDemoOperations(bench: DemoBench): void {
  testAssets(bench);
  testEvents(bench);
}

/** Tests every guarantee of the built-in domain's operations for an engine. */
export function demoConformance(name: string, engine: Omit<Engine, 'killedAfter'>): void {
  describe(`${name}: the guarantees of the built-in domain`, () => {
    let target: Target | undefined;
    let store: (Store & DemoStore) | undefined;

    beforeAll(async () => {
      target = { ...(await engine.create()), withDemo: true };
      store = await openDemoTarget(target);
    });
    afterAll(async () => {
      await store?.close();
      if (target !== undefined) await engine.drop(target);
    });

    testDemoOperations({ store: () => present(store), target: () => present(target), runs: engine.runs });
  });
}
