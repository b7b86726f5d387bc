import type { DocumentNode } from 'graphql';
import { createHash } from 'node:crypto';
import type { Principal } from '../credentials/principal.js';
import { Refusal } from '../refusals/refusal.js';

/** By document, which the server keeps for as long as it keeps the text that it was parsed from. */
const digests = new WeakMap<DocumentNode, string>();

/** SHA-256 of a document's text exactly as it was sent, in hexadecimal digits: a changed space makes another document. */
export function digestOf(source: string, document: DocumentNode): string {
  let digest = digests.get(document);
  if (digest === undefined) digests.set(document, (digest = createHash('sha256').update(source).digest('hex')));
  return digest;
}

/**
 * Why a document is not run for a principal who is bound to a list of documents; null where it is on the list, or nothing
 * binds them. The digest is no secret, and is compared as the list is kept, in lower case.
 */
export function refuseUntrusted(
  { trustedDocuments }: Pick<Principal, 'trustedDocuments'>,
  source: string,
  document: DocumentNode,
): Refusal | null {
  if (trustedDocuments === null) return null;
  const sha256 = digestOf(source, document);
  if (trustedDocuments.has(sha256)) return null;
  return new Refusal(
    `This key runs only the documents that it is bound to, and this one, with the SHA-256 ${sha256}, is none of them. An administrator of the workspace may add it with updateApiKey(input: {trustedDocuments: [...]}).`,
    { code: 'DOCUMENT_NOT_TRUSTED', sha256 },
  );
}
