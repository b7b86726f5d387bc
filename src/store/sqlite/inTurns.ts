import type { Store } from '../store.js';
import { Turns } from '../../turns.js';

type Operation = (...given: unknown[]) => Promise<unknown>;

/**
 * What may take longer than a request should: pages that filters go through, and writes of many rows. Look-ups by index are
 * not among them.
 */
const LONG: { readonly [Part in keyof Store]?: readonly (keyof Store[Part])[] } = {
  keys: ['list', 'search'],
  audit: ['list', 'read'],
  usage: ['read', 'fields'],
  assets: ['register', 'list', 'saveColumns', 'findDownstream'],
  events: ['record', 'list'],
};

/**
 * Has long operations give way to other requests. SQLite runs in this thread: one operation may ask for 25 pages by as many
 * aliases, and without turns between them no other request would be answered before the last. Workspaces take turns.
 */
export function inTurns(store: Store): Store {
  const turns = new Turns();
  const parts = Object.entries(LONG).map(([name, operations]) => {
    const part = store[name as keyof Store] as unknown as Record<string, Operation>;
    return [name, { ...part, ...turned(part, operations, turns) }];
  });
  return { ...store, ...Object.fromEntries(parts) } as Store;
}

function turned(
  part: Readonly<Record<string, Operation>>,
  names: readonly string[],
  turns: Turns,
): Record<string, Operation> {
  return Object.fromEntries(
    names.map((name): [string, Operation] => [
      name,
      // The first argument is the workspace or project, where an operation has one.
      (...given) => turns.run(typeof given[0] === 'string' ? given[0] : '', async () => part[name]?.(...given)),
    ]),
  );
}
