import type { ApolloServerOptionsWithSchema, BaseContext } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { retainedBytes } from '../../core/guard/document/retainedBytes.js';

type KeyValueCache = NonNullable<ApolloServerOptionsWithSchema<BaseContext>['documentStore']>;

/** Maximum number of bytes that the cached documents of one server can keep in memory. */
export const MAX_DOCUMENT_STORE_BYTES = 24 * 2 ** 20;

/**
 * A document can evict at most a sixteenth of the cache. The largest document within the token limit takes half of
 * this.
 */
const MAX_DOCUMENT_BYTES = MAX_DOCUMENT_STORE_BYTES / 16;

/**
 * Caches parsed and validated documents for Apollo Server, evicts the least recently used, and measures what they
 * really keep in memory ({@link retainedBytes}).
 *
 * Apollo Server's own cache uses the length of a document's JSON. Anyone can fill it, because a document is cached
 * before its operation is authorized: 1,000 requests without a key, each with a comment of 250 kB, ended a process with
 * a heap of 256 MB.
 */
export class DocumentStore implements KeyValueCache {
  readonly #documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_DOCUMENT_STORE_BYTES,
    maxEntrySize: MAX_DOCUMENT_BYTES,
    sizeCalculation: (document) => Math.min(retainedBytes(document), Number.MAX_SAFE_INTEGER),
  });

  /** Bytes that the cached documents keep in memory. */
  get bytes(): number {
    return this.#documents.calculatedSize;
  }

  // Apollo Server awaits each of these. A promise is sufficient; an async function would take another microtask turn.
  get(key: string): Promise<DocumentNode | undefined> {
    return Promise.resolve(this.#documents.get(key));
  }

  set(key: string, document: DocumentNode): Promise<void> {
    this.#documents.set(key, document);
    return Promise.resolve();
  }

  delete(key: string): Promise<boolean> {
    return Promise.resolve(this.#documents.delete(key));
  }
}
