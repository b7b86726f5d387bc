import fc from 'fast-check';
import { verifyAudit } from '../../src/audit/verify.js';
import {
  chained,
  draftEntry,
  GENESIS,
  hashOf,
  SYSTEM,
  type AuditEntry,
  type AuditHead,
} from '../../src/store/audit.js';

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
  return verifyAudit(audit, 'ws', known === null ? [] : [known]);
}

const headOf = (chain: readonly AuditEntry[]): AuditHead => chain.at(-1) ?? { seq: 0, hash: GENESIS };

test.each([0, 1, 999, 1000, 1001, 2500])('a chain of %i is whole', async (length) => {
  const chain = chainOf(length);
  const head = headOf(chain);
  expect(await verify(chain, length === 0 ? null : head)).toEqual({
    outcome: 'whole',
    entries: length,
    head: head.hash,
  });
});

test('an entry that was removed, wherever it was, is missing', async () => {
  const chain = chainOf(5);
  for (const { seq } of chain) {
    const rest = chain.filter((entry) => entry.seq !== seq);
    expect(await verify(rest, headOf(chain))).toEqual({ outcome: 'missing', seq });
  }
  expect(await verify([], headOf(chain))).toEqual({ outcome: 'missing', seq: 1 });
});

test('an entry that was altered in any field is found', async () => {
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

test('a new chain made over an altered entry is found by the head, and by one that was noted elsewhere', async () => {
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

test('entries that are added while it reads are no fault', async () => {
  const chain = chainOf(3);
  expect(await verify(chain, chain[1] ?? null)).toMatchObject({ outcome: 'whole', entries: 3 });
});
