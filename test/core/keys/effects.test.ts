import type { Change } from '../../../src/core/keys/changeFeed.js';
import {
  announcing,
  EFFECTS,
  EVERYTHING_HERE,
  READS,
  type Changeable,
  type EffectListener,
} from '../../../src/core/keys/effects.js';
import { ROUTES } from '../../../src/core/store/sqlite/routes.js';
import { aKey } from '../store/fixtures.js';

type Operation = (...given: readonly unknown[]) => Promise<unknown>;
type Parts = Record<string, Record<string, Operation>>;

const AT = 3;
const KEY = { ...aKey('ws'), id: 'key_a', lookupId: 'lookup', revokedAt: AT };
/** The time and author of a change are the fourth argument. */
const ARGUMENTS = Array.from({ length: 12 }, (_, i) => (i === 3 ? { at: AT } : `argument ${i}`));

/** Returns a store whose operations all return `result`, or throw it if it is an error. */
function storeOf(result: unknown, called: (name: string, given: readonly unknown[]) => void = () => undefined): Parts {
  const parts = Object.entries(EFFECTS).map(([part, effects]) => {
    const operations = Object.keys(effects).map((name): [string, Operation] => [
      name,
      async (...given) => {
        called(`${part}.${name}`, given);
        if (result instanceof Error) throw result;
        return result;
      },
    ]);
    return [part, Object.fromEntries(operations)] as const;
  });
  return Object.fromEntries(parts);
}

function wrapped(parts: Parts, listener: EffectListener): Parts {
  return announcing(parts as unknown as Changeable, listener) as unknown as Parts;
}

/** Calls every operation, and returns its announcements by the name of the operation. */
async function announcedBy(result: unknown): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  let heard: unknown[] = [];
  const store = wrapped(storeOf(result), {
    stale: (change) => heard.push(change),
    event: ({ type, keyId }) => heard.push(`${type} ${keyId}`),
  });
  for (const [part, operations] of Object.entries(EFFECTS)) {
    for (const name of Object.keys(operations)) {
      heard = [];
      await store[part]?.[name]?.(...ARGUMENTS).catch(() => undefined);
      if (heard.length > 0) all[`${part}.${name}`] = heard;
    }
  }
  return all;
}

test('passes every argument on to the store, including future ones', async () => {
  const handedOn = new Map<string, readonly unknown[]>();
  const store = wrapped(
    storeOf({ outcome: 'unknown' }, (name, given) => handedOn.set(name, given)),
    { stale: () => undefined },
  );
  for (const [part, operations] of Object.entries(EFFECTS)) {
    for (const name of Object.keys(operations)) {
      await store[part]?.[name]?.(...ARGUMENTS);
      expect(handedOn.get(`${part}.${name}`)).toEqual(ARGUMENTS);
    }
  }
});

test('announces stale records, then the event of the key', async () => {
  const ofKey: Change = { kind: 'key', lookupId: 'lookup' };
  const ofWorkspace: Change = { kind: 'workspace', workspaceId: 'argument 1' };
  expect(await announcedBy({ outcome: 'changed', key: KEY })).toEqual({
    'keys.rotate': [ofKey, 'ROTATED key_a'],
    'keys.expire': [ofKey, 'UPDATED key_a'],
    'keys.revoke': [ofKey, 'REVOKED key_a'],
    // It returns a list of keys: see below.
    'keys.revokeMany': [ofWorkspace],
    'keys.update': [ofKey, 'UPDATED key_a'],
    'workspaces.setTier': [{ kind: 'workspace', workspaceId: 'argument 0' }],
    'users.update': [ofWorkspace],
    'users.remove': [ofWorkspace],
    // Its first argument is the override, which names the workspace: see below.
    'limits.set': [{ kind: 'workspace', workspaceId: undefined }],
    'configuration.replace': [EVERYTHING_HERE],
  });
});

test('announces the workspace of an override of limits', async () => {
  const heard: unknown[] = [];
  const store = wrapped(storeOf(null), { stale: (change) => heard.push(change) });
  await store.limits?.set?.({ workspaceId: 'ws_a', kind: 'key', subjectId: 'fam_a' });
  expect(heard).toEqual([{ kind: 'workspace', workspaceId: 'ws_a' }]);
});

test('announces a key that was not changed, because its cached record may be older, but no event', async () => {
  const ofKey: Change = { kind: 'key', lookupId: 'lookup' };
  expect(await announcedBy({ outcome: 'ended', key: KEY })).toMatchObject({
    'keys.rotate': [ofKey],
    'keys.expire': [ofKey],
    'keys.revoke': [ofKey],
    'keys.update': [ofKey],
  });
});

test('announces the workspace of a change that failed, because it may have been written', async () => {
  const ofWorkspace: Change = { kind: 'workspace', workspaceId: 'argument 1' };
  expect(await announcedBy(new Error('The connection broke.'))).toMatchObject({
    'keys.rotate': [ofWorkspace],
    'keys.expire': [ofWorkspace],
    'keys.revoke': [ofWorkspace],
    'keys.update': [ofWorkspace],
    'workspaces.setTier': [{ kind: 'workspace', workspaceId: 'argument 0' }],
    'users.remove': [ofWorkspace],
  });
});

test('announces the workspace of keys that were revoked together, and an event of each', async () => {
  const heard: unknown[] = [];
  const store = wrapped(storeOf([KEY, { ...KEY, id: 'key_b' }]), {
    stale: (change) => heard.push(change),
    event: ({ type, keyId, at, actor }) => heard.push([type, keyId, at, actor]),
  });
  await store.keys?.revokeMany?.(['key_a', 'key_b', 'key_c'], 'ws', null, { at: 7, author: { id: 'key_x' } });
  expect(heard).toEqual([
    { kind: 'workspace', workspaceId: 'ws' },
    ['REVOKED', 'key_a', 7, 'key_x'],
    ['REVOKED', 'key_b', 7, 'key_x'],
  ]);
});

test('reports a new key, and no second revocation', async () => {
  const events: string[] = [];
  const listener: EffectListener = {
    stale: () => undefined,
    event: ({ type, keyId }) => events.push(`${type} ${keyId}`),
  };
  await wrapped(storeOf({ outcome: 'inserted' }), listener).keys?.insert?.(KEY, null, 1);
  await wrapped(storeOf({ outcome: 'full' }), listener).keys?.insert?.(KEY, null, 1);
  await wrapped(storeOf({ outcome: 'changed', key: { ...KEY, revokedAt: 1 } }), listener).keys?.revoke?.(
    'a',
    'ws',
    null,
    2,
  );
  expect(events).toEqual(['CREATED key_a']);
});

test('every operation that SQLite runs in the writing thread is a change, and no other', () => {
  const routes = ROUTES as unknown as Record<string, Record<string, string> | undefined>;
  for (const [part, operations] of Object.entries(EFFECTS)) {
    for (const [name, effect] of Object.entries(operations)) {
      const route = routes[part]?.[name];
      // Lists that SQLite reads in slices, and the configuration, have no route.
      if (route !== undefined) expect([part, name, effect !== READS]).toEqual([part, name, route.startsWith('writer')]);
    }
  }
});

test('a store that lacks a part, or has frozen parts of a class, can be wrapped', async () => {
  class Keys {
    readonly #outcome = 'changed';
    rotate() {
      return Promise.resolve({ outcome: this.#outcome, key: KEY });
    }
  }
  const changes: unknown[] = [];
  const store = wrapped(Object.freeze({ keys: Object.freeze(new Keys()) }), {
    stale: (change) => changes.push(change),
  });
  await store.keys?.rotate?.('key_a', 'ws');
  expect(changes).toEqual([{ kind: 'key', lookupId: 'lookup' }]);
  expect(store.users).toBeUndefined();
});
