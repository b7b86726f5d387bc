import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTVerifyOptions, type JWTVerifyResult } from 'jose';
import { PublishedKeys } from '../../../../src/core/auth/signing/publishedKeys.js';
import { SigningKeys } from '../../../../src/core/auth/signing/processKeys.js';
import { openStoreHere } from '../../../support/storeHere.js';
import type { Store } from '../../../../src/core/store/store.js';

export const NOON = Date.UTC(2026, 2, 1, 12);

/** A real store, a clock that only tests move, and verification by jose with the published keys. */
export interface SigningBench {
  readonly clock: { now: number };
  readonly store: Store;
  /** Returns the keys of a new process. */
  process(): SigningKeys;
  /** Returns the published keys, as jose reads them. */
  jwks(): Promise<JSONWebKeySet>;
  /** Verifies a token with the published keys, at the time of the clock. */
  verified(token: string, options: Omit<JWTVerifyOptions, 'currentDate'>): Promise<JWTVerifyResult>;
  close(): Promise<void>;
}

export async function openSigningBench(): Promise<SigningBench> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-signing-'));
  const store = await openStoreHere(dir);
  const clock = { now: NOON };
  const now = () => clock.now;
  const processes: SigningKeys[] = [];
  const jwks = async (): Promise<JSONWebKeySet> => {
    const { body } = await new PublishedKeys({ store: store.signingKeys, now }).keySet();
    return JSON.parse(body) as JSONWebKeySet;
  };
  return {
    clock,
    store,
    process() {
      const keys = new SigningKeys({ store: store.signingKeys, now });
      processes.push(keys);
      return keys;
    },
    jwks,
    verified: async (token, options) =>
      jwtVerify(token, createLocalJWKSet(await jwks()), { ...options, currentDate: new Date(clock.now) }),
    async close() {
      for (const keys of processes) await keys.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
