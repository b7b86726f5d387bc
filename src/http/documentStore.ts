import type { ApolloServerOptionsWithSchema, BaseContext } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { retainedBytes } from './documentWeight.js';

type KeyValueCache = NonNullable<ApolloServerOptionsWithSchema<BaseContext>['documentStore']>;

/** Bytes that the cached documents of one server may keep alive together. */
export const MAX_DOCUMENT_STORE_BYTES = 24 * 2 ** 20;

/** No document may push out more than a sixteenth of the others. The largest within the token limit takes half of this. */
const MAX_DOCUMENT_BYTES = MAX_DOCUMENT_STORE_BYTES / 16;

/**
 * Caches parsed and validated documents for Apollo Server, least recently used out first, and counts what they really
 * keep alive ({@link retainedBytes}).
 *
 * Apollo Server's own cache counts the length of a document's JSON. Anybody can fill it, for a document is cached before
 * its operation is authorized: 1,000 requests without a key, each with a comment of 250 kB, ended a process with a heap
 * of 256 MB.
 */
export class DocumentStore implements KeyValueCache {
  readonly #documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_DOCUMENT_STORE_BYTES,
    maxEntrySize: MAX_DOCUMENT_BYTES,
    sizeCalculation: (document) => Math.min(retainedBytes(document), Number.MAX_SAFE_INTEGER),
  });

  /** Bytes that the cached documents keep alive. */
  get bytes(): number {
    return this.#documents.calculatedSize;
  }

  // Apollo Server awaits each of these. A promise is all that it needs; an async function would take another turn.
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
