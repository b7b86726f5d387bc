import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Authenticator } from '../../../src/core/auth/authenticator.js';
import { DEFAULT_WORKSPACE_ID, type OperatorKey } from '../../../src/core/auth/operator.js';
import type { AuthenticatedPrincipal } from '../../../src/core/auth/principal.js';
import { SecretVerifier } from '../../../src/core/auth/secretVerifier.js';
import { BcryptGate } from '../../../src/core/keys/bcryptGate.js';
import { KeyMinter, type NewKey } from '../../../src/core/keys/minter.js';
import { Peppers } from '../../../src/core/keys/pepper.js';
import { Roles } from '../../../src/core/scopes/roles.js';
import { DEFAULT_PREFIXES } from '../../../src/core/keys/token.js';
import type { KeyRecord } from '../../../src/core/store/records.js';
import { openStoreHere } from '../../support/storeHere.js';
import type { Store } from '../../../src/core/store/store.js';

export const NOON = Date.UTC(2026, 2, 1, 12);
/** The name of the installation in tokens. */
export const ISSUER = 'https://keys.example';
export const PEPPER = 'a pepper for tests, which is long enough';

/** Verification over a real store in its own directory, with an adjustable clock and a counting gate. */
export interface Harness {
  readonly clock: { now: number };
  readonly store: Store;
  /** The directory of the store's file. */
  readonly dir: string;
  /** Replaces `store`, which credentials are verified against. */
  readFrom(store: Store): void;
  readonly gate: BcryptGate;
  /** Names of the reads for requests since the last `reads.splice(0)`. */
  readonly reads: string[];
  /** IDs of the keys whose secrets were verified by HMAC or bcrypt. */
  readonly verifications: string[];
  /** Accepted keys, in order. */
  readonly uses: [string, number][];
  /** The addresses of these uses; null: none was passed. */
  readonly addresses: (string | null)[];
  /** Creates a stored key and returns it with its token and secret. `peppers` null: stores no digest. */
  issue(
    fields?: Partial<NewKey>,
    peppers?: Peppers | null,
  ): Promise<{ readonly key: KeyRecord; readonly token: string; readonly secret: string }>;
  verifier(peppers: Peppers | null): SecretVerifier;
  /** Creates an authenticator whose cache runs on `clock`. Errors that it throws are returned as rejections. */
  authenticator(options?: {
    readonly peppers?: Peppers | null;
    readonly operator?: OperatorKey;
    readonly cacheTtl?: number;
  }): Pick<Authenticator, 'forget' | 'configure'> & {
    authenticate(credential: string, address?: string): Promise<AuthenticatedPrincipal>;
    /** Calls the authenticator directly, so that the result may be a promise or not. */
    readonly atOnce: Authenticator['authenticate'];
    readonly judge: Authenticator['judge'];
    readonly identify: Authenticator['identify'];
  };
  close(): Promise<void>;
}

export async function openHarness(): Promise<Harness> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-credentials-'));
  let store: Store = await openStoreHere(dir);
  const clock = { now: NOON };
  await store.workspaces.ensure({ id: DEFAULT_WORKSPACE_ID, name: 'default', tier: 'GROWTH', createdAt: NOON });
  const gate = new BcryptGate({ cost: 4 });
  const reads: string[] = [];
  const uses: [string, number][] = [];
  const addresses: (string | null)[] = [];
  const verifications: string[] = [];
  const watched = {
    keys: {
      findForVerification: (lookupId: string) => {
        reads.push('findForVerification');
        return store.keys.findForVerification(lookupId);
      },
      findForDerived: (id: string) => {
        reads.push('findForDerived');
        return store.keys.findForDerived(id);
      },
      // Not counted: this read happens at most once in five seconds, and only for text that is not a Latchkey token.
      nextLookupId: (from: string) => store.keys.nextLookupId(from),
    },
    signingKeys: {
      find: (id: string) => {
        reads.push('signingKeys.find');
        return store.signingKeys.find(id);
      },
    },
    workspaces: {
      find: (id: string) => {
        reads.push('workspaces.find');
        return store.workspaces.find(id);
      },
    },
  };
  class Watched extends SecretVerifier {
    override verify(key: KeyRecord, secret: string): Promise<boolean> {
      verifications.push(key.id);
      return super.verify(key, secret);
    }
  }
  const verifier = (peppers: Peppers | null): SecretVerifier =>
    new Watched({
      gate,
      peppers,
      now: () => clock.now,
      saveDigest: (id, digest) => store.keys.saveDigest(id, digest),
    });
  return {
    clock,
    get store() {
      return store;
    },
    dir,
    readFrom: (other) => void (store = other),
    gate,
    reads,
    verifications,
    uses,
    addresses,
    verifier,
    async issue(fields = {}, peppers = Peppers.of([PEPPER])) {
      const minter = new KeyMinter({ gate: new BcryptGate({ cost: 4 }), peppers, prefixes: DEFAULT_PREFIXES });
      const { key, token } = await minter.mint({
        workspaceId: DEFAULT_WORKSPACE_ID,
        name: 'test',
        scopes: ['read:assets'],
        type: 'SECRET',
        environment: 'LIVE',
        expiresAt: null,
        lifetime: null,
        createdAt: NOON,
        createdBy: null,
        ...fields,
      });
      await store.keys.insert(key, null, NOON);
      return { key, token, secret: token.slice(-38, -6) };
    },
    authenticator({ peppers = Peppers.of([PEPPER]), operator, cacheTtl } = {}) {
      const authenticator = new Authenticator({
        store: watched,
        secrets: verifier(peppers),
        operator: operator ?? null,
        issuer: ISSUER,
        roles: () => new Roles(),
        onUse: (id, at, _key, address) => {
          uses.push([id, at]);
          addresses.push(address);
        },
        now: () => clock.now,
        cacheClock: () => clock.now,
        ...(cacheTtl !== undefined && { cacheTtl }),
      });
      return {
        authenticate: async (credential, address) => authenticator.authenticate(credential, address),
        atOnce: (credential, address) => authenticator.authenticate(credential, address),
        judge: (credential, address) => authenticator.judge(credential, address),
        identify: (credential, sender) => authenticator.identify(credential, sender),
        forget: (change) => authenticator.forget(change),
        configure: (enabled, keys, oidc) => authenticator.configure(enabled, keys, oidc),
      };
    },
    async close() {
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Returns a text with its checksum. Written from the documentation, not with the code under test. */
export function withChecksum(unchecked: string): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = crc32(unchecked);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = alphabet.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return unchecked + digits;
}
