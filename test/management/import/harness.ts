import { hashSync } from 'bcrypt';
import { createHash } from 'node:crypto';
import { applyImport, type Applied } from '../../../src/management/import/apply.js';
import { mappingOf } from '../../../src/management/import/mapping.js';
import { planImport, type Plan } from '../../../src/management/import/plan.js';
import type { Source } from '../../../src/management/import/presets.js';
import { readRows, type Format, type Row } from '../../../src/management/import/rows.js';
import { servedTypeDefs } from '../../../src/server/servedTypeDefs.js';
import { scopeNames } from '../../../src/management/import/scopeNames.js';
import type { Peppers } from '../../../src/core/keys/pepper.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { OWN_CEILINGS } from '../../../src/core/scopes/ceilings.js';
import type { Store } from '../../../src/core/store/store.js';

/** Hashes a key as better-auth does: SHA-256 of the whole key, in base64url without padding. */
export function betterAuthDigest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

export function bcryptHash(text: string): string {
  return hashSync(text, 4);
}

/** Returns a key of 64 letters, as better-auth creates by default. */
export function letters(seed: string): string {
  const bytes = Buffer.concat([0, 1].map((i) => createHash('sha256').update(`${i}${seed}`).digest()));
  return [...bytes].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
}

/** Returns a row as the plugin api-key of better-auth 1.5 stores it. */
export function betterAuthRow(token: string, fields: object = {}): Record<string, unknown> {
  return {
    id: letters(token).slice(0, 32),
    configId: 'default',
    name: 'airflow',
    start: token.slice(0, 6),
    prefix: null,
    key: betterAuthDigest(token),
    referenceId: 'user_1',
    refillInterval: null,
    refillAmount: null,
    lastRefillAt: null,
    enabled: true,
    rateLimitEnabled: true,
    rateLimitTimeWindow: 86_400_000,
    rateLimitMax: 10,
    requestCount: 0,
    remaining: null,
    lastRequest: null,
    expiresAt: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    permissions: '{"files":["read"]}',
    metadata: null,
    ...fields,
  };
}

/** Maps the scopes of these rows to scopes of Latchkey. */
export const SCOPES = { 'files:read': 'read:assets', 'files:write': ['write:assets'], 'files:own': [] };

export interface Importing {
  readonly from?: Source;
  readonly mapping?: object;
  readonly format?: Format;
  readonly now?: number;
  readonly workspaceId?: string;
}

/** Returns the plan of an import of the rows. */
export function plan(
  store: Store,
  input: readonly object[] | string | Uint8Array,
  options: Importing = {},
): Promise<Plan> {
  const { from = 'better-auth', mapping = { scopes: SCOPES }, format = 'jsonl', now = Date.now() } = options;
  return planImport(rowsOf(input, format), {
    store,
    mapping: mappingOf(from, mapping),
    workspaceId: options.workspaceId ?? 'default',
    knownScopes: scopeNames(servedTypeDefs(true), []),
    ceilings: OWN_CEILINGS,
    tiers: TIER_LIMITS,
    now,
  });
}

/** Plans and applies an import. @throws if there are problems */
export async function apply(
  store: Store,
  peppers: Peppers | null,
  input: readonly object[],
  options: Importing = {},
): Promise<Applied> {
  const planned = await plan(store, input, options);
  expect(planned.problems).toEqual([]);
  const { from = 'better-auth', mapping = { scopes: SCOPES } } = options;
  const now = options.now ?? Date.now();
  return applyImport(planned.keys, {
    store,
    mapping: mappingOf(from, mapping),
    peppers,
    tiers: TIER_LIMITS,
    now: () => now,
  });
}

export async function all(rows: AsyncIterable<Row>): Promise<Row[]> {
  const gathered: Row[] = [];
  for await (const row of rows) gathered.push(row);
  return gathered;
}

/** Splits the input into chunks of seven bytes, which break every record and many characters apart. */
export function rowsOf(input: readonly object[] | string | Uint8Array, format: Format): AsyncGenerator<Row> {
  const text = typeof input === 'string' || input instanceof Uint8Array ? input : linesOf(input);
  return readRows(chunks(Buffer.from(text as Uint8Array), 7), format);
}

function linesOf(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
