import fc from 'fast-check';
import { verifyAudit, type Checkpoint } from '../../../src/management/audit/verifyAudit.js';
import {
  chained,
  draftEntry,
  GENESIS,
  hashOf,
  SYSTEM,
  type AuditEntry,
  type AuditHead,
} from '../../../src/core/store/audit.js';

function chainOf(length: number): AuditEntry[] {
  const chain: AuditEntry[] = [];
  for (let i = 0; i < length; i++) {
    const entry = { workspaceId: 'ws', projectId: null, at: i, action: 'key.created', subject: `key_${i}` } as const;
    chain.push(chained(draftEntry({ ...entry, before: null, after: { n: i } }, SYSTEM), chain.at(-1) ?? null));
  }
  return chain;
}

function verify(chain: readonly AuditEntry[], head: AuditHead | null, known: AuditHead | null = null) {
  const audit = {
    read: async (_: string, after: number, first: number) => chain.filter(({ seq }) => seq > after).slice(0, first),
    head: async () => head,
    base: async () => null,
  };
  return verifyAudit(audit, 'ws', { known: known === null ? [] : [known] });
}

const headOf = (chain: readonly AuditEntry[]): AuditHead => chain.at(-1) ?? { seq: 0, hash: GENESIS };

test.each([0, 1, 999, 1000, 1001, 2500])('verifies a chain of %i entries', async (length) => {
  const chain = chainOf(length);
  const head = headOf(chain);
  expect(await verify(chain, length === 0 ? null : head)).toEqual({
    outcome: 'whole',
    entries: length,
    head: head.hash,
  });
});

test('reports an entry as missing, wherever it was removed', async () => {
  const chain = chainOf(5);
  for (const { seq } of chain) {
    const rest = chain.filter((entry) => entry.seq !== seq);
    expect(await verify(rest, headOf(chain))).toEqual({ outcome: 'missing', seq });
  }
  expect(await verify([], headOf(chain))).toEqual({ outcome: 'missing', seq: 1 });
});

test('finds an entry that was altered in any field', async () => {
  const chain = chainOf(4);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom<Partial<AuditEntry>>(
        { at: 77 },
        { actor: 'key_other' },
        { subject: 'key_other' },
        { action: 'key.revoked' },
        { after: { n: 77 } },
        { before: {} },
        { address: '192.0.2.1' },
        { hash: 'f'.repeat(64) },
        { previousHash: 'f'.repeat(64) },
      ),
      async (i, change) => {
        const altered = chain.map((entry, at) => (at === i ? { ...entry, ...change } : entry));
        expect(await verify(altered, headOf(chain))).toEqual({ outcome: 'altered', seq: i + 1 });
      },
    ),
  );
});

test('finds a new chain over an altered entry by the head, and by a head that was noted elsewhere', async () => {
  const chain = chainOf(3);
  const forged: AuditEntry[] = [];
  for (const entry of chain) {
    const placed = { ...entry, actor: 'key_other', previousHash: headOf(forged).hash };
    forged.push({ ...placed, hash: hashOf(placed) });
  }
  expect(await verify(forged, headOf(chain))).toEqual({ outcome: 'altered', seq: 3 });
  expect(await verify(forged, headOf(forged))).toMatchObject({ outcome: 'whole' });
  const [, second = null] = chain;
  expect(await verify(forged, headOf(forged), second)).toEqual({ outcome: 'altered', seq: 2 });
  expect(await verify(chain, headOf(chain), second)).toMatchObject({ outcome: 'whole' });
});

test('accepts entries that are added while it reads', async () => {
  const chain = chainOf(3);
  expect(await verify(chain, chain[1] ?? null)).toMatchObject({ outcome: 'whole', entries: 3 });
});

describe('X5: a verification that starts after an entry', () => {
  const chain = chainOf(2_500);
  const at = (seq: number): AuditHead => chain[seq - 1] ?? { seq: 0, hash: GENESIS };
  const reads: number[] = [];
  const of = (entries: readonly AuditEntry[], base: AuditHead | null = null) => ({
    read: async (_: string, after: number, first: number) => {
      reads.push(after);
      return entries.filter(({ seq }) => seq > after).slice(0, first);
    },
    head: async () => headOf(entries),
    base: async () => base,
  });
  const whole = { outcome: 'whole', entries: 2_500, head: headOf(chain).hash };
  beforeEach(() => void reads.splice(0));

  test('reports progress after each 1,000 entries, and can continue there', async () => {
    const reached: Checkpoint[] = [];
    const onProgress = (checkpoint: Checkpoint) => void reached.push(checkpoint);
    expect(await verifyAudit(of(chain), 'ws', { onProgress })).toEqual(whole);
    expect(reached.map(({ seq, hash }) => ({ seq, hash }))).toEqual(
      [1_000, 2_000].map((seq) => ({ seq, hash: at(seq).hash })),
    );
    for (const from of reached) {
      reads.splice(0);
      expect(await verifyAudit(of(chain), 'ws', { from })).toEqual(whole);
      expect(Math.min(...reads)).toBe(from.seq - 1);
    }
  });

  test('finds that this entry was altered or removed, and does not compare older heads', async () => {
    const from = at(1_000);
    const altered = chain.map((entry) => (entry.seq === 1_000 ? { ...entry, at: 7 } : entry));
    expect(await verifyAudit(of(altered), 'ws', { from })).toEqual({ outcome: 'altered', seq: 1_000 });
    expect(await verifyAudit(of(chain.slice(0, 999)), 'ws', { from })).toEqual({ outcome: 'missing', seq: 1_000 });
    const forged = { seq: 1_000, hash: 'f'.repeat(64) };
    expect(await verifyAudit(of(chain), 'ws', { from: forged })).toEqual({ outcome: 'altered', seq: 1_000 });
    expect(await verifyAudit(of(chain), 'ws', { from, known: [forged] })).toEqual({ outcome: 'altered', seq: 1_000 });
    expect(await verifyAudit(of(chain), 'ws', { from, known: [{ ...forged, seq: 7 }] })).toEqual(whole);
  });

  test('reads all entries in the store if the log was archived in the meantime, and requires the entry of the archive', async () => {
    const base = { seq: 1_500, hash: at(1_500).hash };
    const rest = chain.slice(1_500);
    const from = { ...at(1_000), base: at(0), isNamed: true };
    expect(await verifyAudit(of(rest, base), 'ws', { from })).toEqual({ outcome: 'missing', seq: 1 });
    const named = draftEntry(
      {
        ...{ workspaceId: 'ws', projectId: null, at: 9, action: 'audit.archived', subject: 'ws', before: null },
        after: { first: 1, ...base },
      },
      SYSTEM,
    );
    const log = [...rest, chained(named, headOf(chain))];
    const verdict = { outcome: 'whole', entries: 2_501, archived: 1_500 };
    expect(await verifyAudit(of(log, base), 'ws', { from })).toMatchObject(verdict);
    // Reached before the log was archived, and later than the log now begins.
    const later = { ...at(2_000), base: at(0), isNamed: true };
    expect(await verifyAudit(of(log, base), 'ws', { from: later })).toMatchObject(verdict);
    expect(await verifyAudit(of(rest, base), 'ws', { from: later })).toEqual({ outcome: 'missing', seq: 1 });
  });
});
