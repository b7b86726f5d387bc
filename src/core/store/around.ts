import type { Store } from './store.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/** Runs an operation of a store. `name` is its name in the interface, such as `keys.find`. */
type Runner = <T>(name: string, operation: () => Promise<T>) => Promise<T>;

const PARTS = ['keys', 'workspaces', 'projects', 'users', 'audit', 'usage', 'assets', 'events'] as const;

/** Returns a store in which `run` runs each operation. */
export function aroundStore(store: Store, run: Runner): Store {
  const parts = PARTS.map((name) => [name, aroundPart(`${name}.`, store[name] as object | undefined, run)]);
  return {
    ...(Object.fromEntries(parts) as Pick<Store, (typeof PARTS)[number]>),
    ping: () => run('ping', () => store.ping()),
    close: () => run('close', () => store.close()),
  };
}

/** Wraps a part of a store, which consists only of operations. A custom store may lack parts. */
function aroundPart(prefix: string, part: object | undefined, run: Runner): object | undefined {
  if (part === undefined) return undefined;
  const plain = part as Record<string, Operation>;
  const operations: Record<string, Operation> = {};
  for (const name of Object.keys(part)) {
    operations[name] = (...given) => run(prefix + name, async () => plain[name]?.(...given));
  }
  return operations;
}
