import type { Store } from '../../../../src/core/store/store.js';
import type { Target } from '../target.js';

/** The input of a concept's tests: an open store, and its database to be opened again. */
export interface Bench {
  readonly store: () => Store;
  readonly target: () => Target;
  readonly runs: number;
}
