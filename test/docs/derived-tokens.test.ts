import { DERIVED_TYPE } from '../../src/core/auth/signing/derivedForm.js';
import { PRINCIPAL_TYPE } from '../../src/core/auth/signing/principalTokens.js';
import { signedToken } from '../../src/core/auth/signing/signedToken.js';
import { documentOf } from '../support/session.js';
import { expectPage } from './page.js';

test('each command of docs/how-to/derived-tokens.md runs as written', async () => {
  await expectPage('docs/how-to/derived-tokens.md');
});

test('the expression for secret scanners matches derived tokens only', () => {
  const [text = ''] = /^eyJ\S+$/m.exec(documentOf('docs/how-to/scan-for-leaked-keys.md')) ?? [];
  const pattern = new RegExp(text);
  const signer = { kid: 'k'.repeat(43), sign: () => 's'.repeat(86) };
  const found = (typ: string): string | undefined => pattern.exec(`token=${signedToken(signer, typ, { a: 1 })}"`)?.[0];
  expect(found(DERIVED_TYPE)).toBe(signedToken(signer, DERIVED_TYPE, { a: 1 }));
  for (const typ of [PRINCIPAL_TYPE, 'JWT', 'at+jwt']) expect(found(typ)).toBeUndefined();
});
