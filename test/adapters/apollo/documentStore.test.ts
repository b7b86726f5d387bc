import { readFileSync } from 'node:fs';
import { parse, type DocumentNode } from 'graphql';
import { DocumentStore, MAX_DOCUMENT_STORE_BYTES } from '../../../src/adapters/apollo/documentStore.js';
import { retainedBytes } from '../../../src/core/guard/document/retainedBytes.js';
import { PROJECT } from '../../support/project.js';

const KB = 1024;

/** Unique by its number, so that no two texts share memory. */
const withComment = (i: number, length: number) => parse(`{tiers{tier}} #${i}${'x'.repeat(length)}`);

async function flood(documents: Iterable<DocumentNode>): Promise<{ store: DocumentStore; kept: number }> {
  const store = new DocumentStore();
  const keys: string[] = [];
  for (const document of documents) {
    keys.push(String(keys.length));
    await store.set(keys.at(-1) ?? '', document);
    expect(store.bytes).toBeLessThanOrEqual(MAX_DOCUMENT_STORE_BYTES);
  }
  const found = await Promise.all(keys.map((key) => store.get(key)));
  return { store, kept: found.filter((document) => document !== undefined).length };
}

describe('R1: the size of a cached document is the memory that it keeps alive', () => {
  it.each([
    ['a long comment', '{a} #' + 'x'.repeat(250 * KB), 250 * KB],
    ['many short comments', '{a' + '\n#'.repeat(100_000) + '\n}', 9_000_000],
    ['a long string', `{a(b:"${'x'.repeat(250 * KB)}")}`, 250 * KB],
    ['commas, which are no tokens', '{a' + ','.repeat(250 * KB) + '}', 250 * KB],
    ['many fields', `{${'abcdefghij '.repeat(690)}}`, 350_000],
  ])('counts %s', (_, text, atLeast) => {
    expect(retainedBytes(parse(text))).toBeGreaterThanOrEqual(atLeast);
  });

  it('does not cache a document without locations, whose size has no bound', async () => {
    const store = new DocumentStore();
    await store.set('a', parse('{a}', { noLocation: true }));
    await expect(store.get('a')).resolves.toBeUndefined();
    expect(store.bytes).toBe(0);
  });
});

describe('R1: the document store', () => {
  it('keeps few documents with comments of 250 kB', async () => {
    const { kept } = await flood(Array.from({ length: 200 }, (_, i) => withComment(i, 250 * KB)));
    expect(kept).toBeLessThan(60);
    expect(kept).toBeGreaterThan(10);
  });

  it('does not cache a document that would evict most other documents', async () => {
    const store = new DocumentStore();
    await store.set('small', withComment(0, 10));
    await store.set('large', parse('{a' + '\n#'.repeat(100_000) + '\n}'));
    await expect(store.get('large')).resolves.toBeUndefined();
    await expect(store.get('small')).resolves.toBeDefined();
  });

  it('keeps hundreds of ordinary documents', async () => {
    const { kept } = await flood(Array.from({ length: 300 }, (_, i) => withComment(i, 500)));
    expect(kept).toBe(300);
  });

  it('deletes a document', async () => {
    const store = new DocumentStore();
    await store.set('a', withComment(0, 10));
    await expect(store.delete('a')).resolves.toBe(true);
    await expect(store.get('a')).resolves.toBeUndefined();
  });
});

test('X12: whatever the documents, the cache keeps alive at most what docs/reference/sizing.md says', async () => {
  const page = readFileSync(`${PROJECT}/docs/reference/sizing.md`, 'utf8');
  const [, documented] = /\| parsed and validated documents \| (\d+) MB/.exec(page) ?? [];
  const documents = Array.from({ length: 400 }, (_, i) => parse(`{${`f${i} `.repeat(10 + (i % 7) * 100)}}`));
  const store = new DocumentStore();
  for (const [i, document] of documents.entries()) await store.set(String(i), document);
  let kept = 0;
  let bytes = 0;
  for (const [i, document] of documents.entries()) {
    if ((await store.get(String(i))) === undefined) continue;
    kept += 1;
    bytes += retainedBytes(document);
  }
  expect(bytes).toBeLessThanOrEqual(Number(documented) * 2 ** 20);
  // They don't all fit.
  expect(kept).toBeGreaterThan(40);
  expect(kept).toBeLessThan(documents.length);
});
