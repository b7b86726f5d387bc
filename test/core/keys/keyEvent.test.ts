import { telling } from '../../../src/core/keys/keyEvent.js';
import type { KeyStore } from '../../../src/core/store/store.js';

test('passes every argument of a change on to the store, including future ones', async () => {
  const handedOn: Record<string, unknown[]> = {};
  const changing =
    (name: string) =>
    (...given: unknown[]) => {
      handedOn[name] = given;
      return Promise.resolve({ outcome: 'unknown' });
    };
  const names = ['insert', 'rotate', 'expire', 'revoke', 'update'] as const;
  const store = Object.fromEntries(names.map((name) => [name, changing(name)]));
  const told = telling(store as unknown as KeyStore, () => undefined) as unknown as typeof store;
  const given = Array.from({ length: 12 }, (_, i) => `argument ${i}`);
  for (const name of names) await told[name]?.(...given);
  expect(handedOn).toEqual(Object.fromEntries(names.map((name) => [name, given])));
});
