import type { Latchkey } from '../index.js';
import type { ConformanceException } from './exceptions.js';
import type { ConformanceCase, ConformanceOptions } from './conformanceOptions.js';
import { SharedStore } from './sharedStore.js';
import { SharedWorlds } from './sharedWorlds.js';
import { inWorld, onFoundation, type Foundation, type World, type WorldOptions } from './world.js';

/** Creates the cases of one server. */
export class Suite<L extends Latchkey = Latchkey> {
  readonly options: ConformanceOptions<L>;
  readonly shared = new SharedStore();
  readonly worlds = new SharedWorlds<World>();

  constructor(options: ConformanceOptions<L>) {
    this.options = options;
  }

  lacks(exception: ConformanceException): boolean {
    return this.options.exceptions?.includes(exception) === true;
  }

  /** A case with a running server, which cases with the same options share. */
  case(name: string, look: (world: World) => Promise<void>, options: WorldOptions = {}): ConformanceCase {
    return { name, run: () => inWorld(this, options, look) };
  }

  /** A case that starts servers itself. */
  starting(
    name: string,
    look: (foundation: Foundation & { readonly latchkey: L }) => Promise<void>,
    options: WorldOptions = {},
  ): ConformanceCase {
    return { name, run: () => onFoundation(this, options, look) };
  }
}
