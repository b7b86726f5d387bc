import { parse } from 'graphql';
import { createHash } from 'node:crypto';
import { ANONYMOUS } from '../../../src/core/auth/principal.js';
import { digestOf, refuseUntrusted } from '../../../src/core/guard/trustedDocuments.js';
import { keyWith } from '../../bypass/own.js';

const TEXT = '{ tiers { tier } }';
const DIGEST = createHash('sha256').update(TEXT).digest('hex');

test('computes the digest once per document', () => {
  const document = parse(TEXT);
  expect(digestOf(TEXT, document)).toBe(DIGEST);
  // A different text with the same document is ignored.
  expect(digestOf('', document)).toBe(DIGEST);
});

test('allows any document to a key without a list', () => {
  const document = parse(TEXT);
  for (const principal of [ANONYMOUS, keyWith(['read:all'])])
    expect(refuseUntrusted(principal, '', document)).toBeNull();
  expect(digestOf(TEXT, document)).toBe(DIGEST);
});

test('names the digest and who can add it', () => {
  const bound = { trustedDocuments: new Set(['0'.repeat(64)]) };
  const refusal = refuseUntrusted(bound, TEXT, parse(TEXT));
  expect(refusal?.details).toEqual({ code: 'DOCUMENT_NOT_TRUSTED', sha256: DIGEST });
  expect(refusal?.message).toContain(`SHA-256 ${DIGEST}`);
  expect(refusal?.message).toContain('An admin of the workspace');
  expect(refuseUntrusted({ trustedDocuments: new Set([DIGEST]) }, TEXT, parse(TEXT))).toBeNull();
});
