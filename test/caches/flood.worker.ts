/**
 * Floods each cache in turn with its largest entries, more than it keeps, and prints the heap that each takes. It runs with
 * a heap of 256 MB, so a cache that doesn't weigh what it retains ends the process.
 *
 *     node --expose-gc --max-old-space-size=256 flood.worker.ts CACHE…
 */
import { ApolloServer } from '@apollo/server';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { parse } from 'graphql';
import { Failures } from '../../src/core/auth/failures.js';
import { KnownKeys } from '../../src/core/auth/knownKeys.js';
import { locateCredential } from '../../src/core/auth/locate.js';
import { ANONYMOUS, authenticated, type LatchkeyContext } from '../../src/core/auth/principal.js';
import { ReadCache } from '../../src/core/auth/readCache.js';
import { KeyWatch } from '../../src/core/auth/watch.js';
import { guardSchema } from '../../src/core/guard/guard.js';
import { MAX_LINES } from '../../src/core/guard/lines.js';
import { viewOf } from '../../src/core/guard/views.js';
import { KnownOperations } from '../../src/core/guard/known/knownOperations.js';
import { guardOf } from '../../src/adapters/apollo/pluginGuard.js';
import { createServerOptions } from '../../src/adapters/apollo/serverOptions.js';
import { mintToken, parseToken } from '../../src/core/keys/token.js';
import { Limiter } from '../../src/core/limits/limiter.js';
import { Proxies } from '../../src/server/net/trustedProxies.js';
import { Roles } from '../../src/core/scopes/roles.js';
import { directiveTypeDefs } from '../../src/management/schema/typeDefs.js';
import { aKey } from '../core/store/fixtures.js';

const KB = 1024;

let entries = 0;
const id = (length: number) => (entries += 1).toString(36).padStart(length, '0');

const schema = guardSchema(
  makeExecutableSchema({
    typeDefs: [directiveTypeDefs(), 'type Query { tiers: Int @public a(b: String): Int @public }'],
  }),
);

/** Keeps whatever the flood needs to keep reachable. */
const kept: unknown[] = [];

const FLOODS: Readonly<Record<string, () => void | Promise<void>>> = {
  /** R1: a comment of 250 kB is not part of a document's JSON. */
  documents: async () => {
    const server = new ApolloServer<LatchkeyContext>({
      schema,
      ...createServerOptions(guardOf({ limiter: new Limiter() })),
    });
    kept.push(server);
    const ask = (query: string) => server.executeOperation({ query }, { contextValue: { principal: ANONYMOUS } });
    for (let i = 0; i < 220; i += 1) await ask(`{tiers} #${id(8)}${'x'.repeat(250 * KB)}`);
    for (let i = 0; i < 170; i += 1) await ask(`{${'a '.repeat(690)}} #${id(8)}`);
    // Each comment is a token, which takes more memory than its text.
    const comments = '\n#'.repeat(MAX_LINES - 2);
    for (let i = 0; i < 400; i += 1) await ask(`{tiers} #${id(8)}${comments}`);
  },
  'known operations': async () => {
    const known = new KnownOperations(schema);
    kept.push(known);
    for (let i = 0; i < 400; i += 1) {
      const source = `{${'abcd '.repeat(690)}} #${id(8)}`;
      known.remember(source, parse(source));
    }
  },
  keys: async () => {
    const keys = new KnownKeys({
      ttl: 60_000,
      roles: () => new Roles(),
      read: async (lookupId) => ({
        key: {
          ...aKey('ws_a'),
          lookupId,
          name: 'n'.repeat(100),
          scopes: Array.from({ length: 100 }, () => `read:${id(59)}`),
          allowedAddresses: Array.from({ length: 100 }, (_, i) => `2001:db8:${i.toString(16)}::/48`),
          trustedDocuments: Array.from({ length: 1_000 }, () => id(64)),
        },
        tier: 'ENTERPRISE',
        user: null,
      }),
    });
    kept.push(keys);
    for (let i = 0; i < 600; i += 1) await keys.get(id(16));
  },
  'keys with many scopes': async () => {
    const keys = new KnownKeys({
      ttl: 60_000,
      roles: () => new Roles(),
      read: async (lookupId) => ({
        key: { ...aKey('ws_a'), lookupId, scopes: Array.from({ length: 100 }, () => `read:${id(59)}`) },
        tier: 'ENTERPRISE',
        user: null,
      }),
    });
    kept.push(keys);
    for (let i = 0; i < 6_000; i += 1) await keys.get(id(16));
  },
  'unknown keys': async () => {
    const cache = new ReadCache<object>({ read: async () => null, ttl: 60_000, max: 50_000 });
    kept.push(cache);
    // The maximum length of a credential.
    for (let i = 0; i < 60_000; i += 1) await cache.get(id(256));
  },
  /** An address is cut from a header field of 16 kB, and must not keep it. */
  addresses: () => {
    const proxies = new Proxies(['127.0.0.1']);
    const failures = new Failures(() => 0);
    const watch = new KeyWatch(() => undefined);
    kept.push(failures, watch);
    const key = aKey('ws_a');
    for (let i = 0; i < 12_000; i += 1) {
      const address = i % 2 === 0 ? `203.0.113.${100 + (i % 100)}` : `2001:db8:${(i % 65_536).toString(16)}::1234`;
      const field = Buffer.from(`${id(15 * KB)}, ${address}`).toString();
      const caller = proxies.callerOf(
        { headers: { 'x-forwarded-for': field }, rawHeaders: [], socket: { remoteAddress: '127.0.0.1' } },
        false,
      );
      failures.take(null, `2001:${Math.floor(i / 65_536).toString(16)}:${(i % 65_536).toString(16)}:1::1`);
      watch.used({ ...key, id: `key_${i % 10_000}` }, i, caller.address);
    }
  },
  /** A header field can have 16 kB of white space before the key. */
  'wrong keys': async () => {
    const cache = new ReadCache<object>({ read: async () => null, ttl: 60_000, max: 50_000 });
    const failures = new Failures(() => 0);
    kept.push(cache, failures);
    for (let i = 0; i < 20_000; i += 1) {
      const { token } = mintToken('lks', 'LIVE');
      const field = Buffer.from(`Bearer ${' '.repeat(15 * KB)}${token}`).toString();
      const lookupId = parseToken(locateCredential({ headers: { authorization: field } }) ?? '')?.lookupId;
      if (lookupId === undefined) throw new Error('The field has no token.');
      failures.take(lookupId, null);
      await cache.get(lookupId);
    }
  },
  views: () => {
    const fields = Array.from({ length: 200 }, (_, i) => `  f${i}(a: Int, b: String): String`).join('\n');
    const types = Array.from(
      { length: 40 },
      (_, i) => `type T${i} @auth(scope: "read:t${i}") {\n${fields}\n}\nextend type Query { t${i}: T${i} @public }`,
    );
    const large = guardSchema(
      makeExecutableSchema({ typeDefs: [directiveTypeDefs(), 'type Query { open: Int @public }', ...types] }),
    );
    kept.push(large);
    for (let i = 0; i < 30; i += 1) {
      const scopes = Array.from({ length: 39 }, (_, j) => `read:t${(i + j) % 40}`);
      const principal = authenticated({
        kind: 'key',
        keyId: 'key_a',
        familyId: 'fam_a',
        workspaceId: 'ws_a',
        projectId: null,
        userId: null,
        tier: 'GROWTH',
        keyType: 'SECRET',
        scopes: i % 2 === 0 ? scopes : scopes.slice(1),
      });
      const view = viewOf(large, principal);
      if (Object.keys(view?.getTypeMap() ?? {}).length < 38) throw new Error('The view is too small for a flood.');
    }
  },
};

const heapUsed = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};
for (const name of process.argv.slice(2)) {
  const before = heapUsed();
  await FLOODS[name]?.();
  console.log(`${name}: ${Math.round((heapUsed() - before) / 2 ** 20)} MB with ${kept.length} kept`);
  kept.length = 0;
}
