import type { DocumentNode } from 'graphql';
import { createHash } from 'node:crypto';
import type { Principal } from '../auth/principal.js';
import { Refusal } from '../errors/refusal.js';

/** Keyed by document. The server keeps a document only as long as the text that it was parsed from. */
const digests = new WeakMap<DocumentNode, string>();

/** Returns the SHA-256 of a document's text as it was sent, in hexadecimal. Any change, even of a space, changes it. */
export function digestOf(source: string, document: DocumentNode): string {
  let digest = digests.get(document);
  if (digest === undefined) digests.set(document, (digest = createHash('sha256').update(source).digest('hex')));
  return digest;
}

/**
 * Returns the refusal of a document that is not on the principal's list; null if it is, or if the principal has no
 * list. The digest is not secret, so the comparison need not take constant time.
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
    `This key can only run its trusted documents. The document with the SHA-256 ${sha256} is not one of them. An admin of the workspace can add it with updateApiKey(input: {trustedDocuments: [...]}).`,
    { code: 'DOCUMENT_NOT_TRUSTED', sha256 },
  );
}
