import type { Store } from '../../../src/core/store/store.js';
import type { DemoStore } from '../../../src/demo/store/demoStore.js';
import type { Bench } from '../../core/store/conformance/bench.js';
import { openTarget, type Target } from '../../core/store/target.js';

/** The input of the tests of the built-in domain: a store that was opened with it. */
export interface DemoBench extends Bench {
  readonly store: () => Store & DemoStore;
}

/** Opens the store of a target with the built-in domain. */
export async function openDemoTarget(target: Target): Promise<Store & DemoStore> {
  return (await openTarget({ ...target, withDemo: true })) as Store & DemoStore;
}
