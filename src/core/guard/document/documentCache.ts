import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { retainedBytes } from './retainedBytes.js';

/** Maximum number of bytes that the cached documents of one server can keep in memory. */
export const MAX_CACHED_DOCUMENT_BYTES = 24 * 2 ** 20;

/**
 * A document can evict at most a sixteenth of the cache. The largest document within the token limit takes half of
 * this.
 */
const MAX_DOCUMENT_BYTES = MAX_CACHED_DOCUMENT_BYTES / 16;

/**
 * Caches documents by their text, evicts the least recently used, and measures what they really keep in memory
 * ({@link retainedBytes}). Anyone can fill such a cache, because a document is parsed before its operation is authorized.
 */
export class DocumentCache {
  readonly #documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CACHED_DOCUMENT_BYTES,
    maxEntrySize: MAX_DOCUMENT_BYTES,
    sizeCalculation: (document) => Math.min(retainedBytes(document), Number.MAX_SAFE_INTEGER),
  });

  /** Bytes that the cached documents keep in memory. */
  get bytes(): number {
    return this.#documents.calculatedSize;
  }

  get(text: string): DocumentNode | undefined {
    return this.#documents.get(text);
  }

  set(text: string, document: DocumentNode): void {
    this.#documents.set(text, document);
  }
}
