import type { Callbacks } from '../../shared/callbacks.js';
import { UNOBSERVED, type Observer } from './observer.js';

const METHODS = Object.keys(UNOBSERVED) as (keyof Observer)[];

/** Returns an observer whose faults don't change any response. @param observer from the option `observer`. Default: none */
export function containedObserver(callbacks: Callbacks, observer: Observer = UNOBSERVED): Observer {
  return observer === UNOBSERVED ? observer : callbacks.containAll('observer', observer, METHODS);
}
