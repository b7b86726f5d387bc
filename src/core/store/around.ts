import type { Store } from './store.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/** Runs an operation of a store. `name` is its name in the interface, such as `keys.find`. */
type Runner = <T>(name: string, operation: () => Promise<T>) => Promise<T>;

const PARTS = [
  'keys',
  'workspaces',
  'projects',
  'users',
  'audit',
  'usage',
  'signingKeys',
  'guardedSchemas',
  'quotas',
  'limits',
] as const satisfies readonly (keyof Store)[];

/** Returns a store in which `run` runs each operation, including those of further parts. */
export function aroundStore<Extended extends Store>(store: Extended, run: Runner): Extended {
  const further = Object.entries(store).flatMap(([name, part]) => (isPart(part) ? [name] : []));
  const parts = [...new Set([...PARTS, ...further])].map((name) => [
    name,
    aroundPart(`${name}.`, (store as Readonly<Record<string, unknown>>)[name] as object | undefined, run),
  ]);
  return {
    ...(Object.fromEntries(parts) as Extended),
    ...(store.version !== undefined && { version: store.version }),
    ping: () => run('ping', () => store.ping()),
    close: () => run('close', () => store.close()),
  };
}

function isPart(part: unknown): boolean {
  return typeof part === 'object' && part !== null && Object.values(part).every((each) => typeof each === 'function');
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
