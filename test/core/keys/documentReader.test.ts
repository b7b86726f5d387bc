import type { GraphQLResolveInfo, OperationTypeNode } from 'graphql';
import { ANSWER_LIMITS } from '../../../src/core/guard/answer/answerLimits.js';
import type { ActorContext } from '../../../src/core/keys/actor.js';
import { KEYS_AT_ONCE, readingDocuments } from '../../../src/core/keys/documentReader.js';

const DOCUMENTS = ['a'.repeat(64), 'b'.repeat(64)];
const CONTEXT = { principal: {} } as ActorContext;
const idsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `key_${i}`);

function execution(operation: 'query' | 'mutation' | 'subscription' = 'query') {
  return {
    operation: { operation: operation as OperationTypeNode },
    variableValues: {},
  } as Pick<GraphQLResolveInfo, 'operation' | 'variableValues'>;
}

/** @param documents of each key */
function given(documents: readonly string[] | null = DOCUMENTS, limits = ANSWER_LIMITS) {
  const reads: (readonly string[])[] = [];
  let underWay = 0;
  const read = readingDocuments(
    {
      async documentsOf(_, ids) {
        reads.push(ids);
        underWay += 1;
        expect(underWay).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return new Map(ids.filter((id) => id !== 'key_none').map((id) => [id, documents]));
      },
    },
    limits,
  );
  return { reads, read };
}

describe('R2: the reader of trusted documents', () => {
  it('reads a few keys at a time, without concurrent reads, and each key once per query', async () => {
    const { reads, read } = given();
    const info = execution();
    const ids = idsOf(60);
    const all = () => Promise.all([...ids, ...ids].map(async (id) => read(CONTEXT, id, info)));
    expect(await all()).toEqual([...ids, ...ids].map(() => DOCUMENTS));
    await all();
    expect(reads).toEqual([ids.slice(0, 25), ids.slice(25, 50), ids.slice(50)]);
  });

  it('returns documents that have arrived without a promise, to any number of aliases of a query', async () => {
    const { reads, read } = given();
    const info = execution();
    const waiting = [read(CONTEXT, 'key_0', info), read(CONTEXT, 'key_0', info)];
    expect(waiting[0]).toBeInstanceOf(Promise);
    expect(waiting[1]).toBe(waiting[0]);
    await waiting[0];
    expect(read(CONTEXT, 'key_0', info)).toBe(DOCUMENTS);
    expect(read(CONTEXT, 'key_0', execution('mutation'))).toBeInstanceOf(Promise);
    expect(reads[0]).toEqual(['key_0']);
  });

  it('reads at most the fields of a response, refuses everything after that, and reads nothing more', async () => {
    const documents = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(64, '0'));
    const { reads, read } = given(documents);
    const info = execution();
    const settled = await Promise.allSettled(idsOf(400).map(async (id) => read(CONTEXT, id, info)));
    const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(settled.length - refused.length).toBe(KEYS_AT_ONCE);
    expect(new Set(refused).size).toBe(1);
    expect(refused[0]).toMatchObject({ extensions: { code: 'ANSWER_TOO_LARGE', limit: 50_000, unit: 'fields' } });
    expect(reads).toHaveLength(2);
    await expect(read(CONTEXT, 'key_other', info)).rejects.toBe(refused[0]);
    expect(reads).toHaveLength(2);
    expect(await read(CONTEXT, 'key_0', execution())).toEqual(documents);
  });

  it.each([
    ['49 keys with 1,000 documents', 49, Array.from({ length: 1_000 }, (_, i) => String(i)), true],
    ['50 keys with 1,000 documents', 50, Array.from({ length: 1_000 }, (_, i) => String(i)), false],
    ['50 keys with 999 documents', 50, Array.from({ length: 999 }, (_, i) => String(i)), true],
    ['2,000 keys without documents', 2_000, null, true],
    ['long documents', 60, ['x'.repeat(256 * 1_000)], false],
  ])('counts a key, its documents and their length: %s', async (_, count, documents, isAllowed) => {
    const { read } = given(documents);
    const info = execution();
    const reading = Promise.all(idsOf(count).map(async (id) => read(CONTEXT, id, info)));
    if (isAllowed) expect(await reading).toHaveLength(count);
    else await expect(reading).rejects.toMatchObject({ extensions: { code: 'ANSWER_TOO_LARGE' } });
  });

  it('has a separate limit for events, and warns after a mutation that changes may have been made', async () => {
    const { read } = given(DOCUMENTS, { fields: 8, eventFields: 5, bytes: 1 });
    const ask = (kind: 'query' | 'mutation' | 'subscription', count: number) => {
      const info = execution(kind);
      return Promise.all(idsOf(count).map(async (id) => read(CONTEXT, id, info)));
    };
    expect(await ask('query', 2)).toHaveLength(2);
    await expect(ask('query', 3)).rejects.toThrow(/limit of 8 fields\..*split the operation\.$/);
    expect(await ask('subscription', 1)).toHaveLength(1);
    await expect(ask('subscription', 2)).rejects.toThrow('limit of 5 fields');
    await expect(ask('mutation', 3)).rejects.toThrow('Some of its changes may have been made');
  });

  it('reads again in a mutation, whose fields may change the documents', async () => {
    const { reads, read } = given();
    const info = execution('mutation');
    await read(CONTEXT, 'key_0', info);
    await read(CONTEXT, 'key_0', info);
    expect(reads).toEqual([['key_0'], ['key_0']]);
  });

  it('rejects for a key that is gone, instead of showing it as bound to no documents', async () => {
    const { read } = given(null);
    const info = execution();
    const [gone, there] = await Promise.allSettled(['key_none', 'key_0'].map(async (id) => read(CONTEXT, id, info)));
    expect(gone).toMatchObject({ status: 'rejected', reason: { extensions: { code: 'NOT_FOUND' } } });
    expect(there).toEqual({ status: 'fulfilled', value: null });
  });
});
