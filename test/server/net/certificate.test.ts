import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCertificate } from '../../../src/server/net/certificate.js';
import { selfSigned, writeCertificate } from '../../support/certificate.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-certificate-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const pair = selfSigned();
const other = selfSigned();
const locked = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'passphrase-of-tests' },
}).privateKey;

/** Reads files with this content. */
function read({ cert = pair.cert, key = pair.key }: { cert?: string; key?: string } = {}) {
  const { TLS_CERT, TLS_KEY } = writeCertificate(dir, { cert, key });
  return readCertificate({ cert: TLS_CERT, key: TLS_KEY });
}

test('reads a pair unchanged', () => {
  const { cert, key } = read();
  expect([cert.toString(), key.toString()]).toEqual([pair.cert, pair.key]);
});

test('a chain begins with the certificate of the key', () => {
  expect(read({ cert: pair.cert + other.cert }).cert.toString()).toBe(pair.cert + other.cert);
  expect(() => read({ cert: other.cert + pair.cert })).toThrow('is not the key of the certificate');
});

test.each([
  [
    'a key of another certificate',
    { key: other.key },
    /^TLS_KEY: \S+key\.pem is not the key of the certificate in \S+cert\.pem\. /,
  ],
  ['no certificate', { cert: 'nothing' }, /^TLS_CERT: \S+cert\.pem has no certificate\. /],
  ['an empty file', { cert: '' }, /^TLS_CERT: \S+cert\.pem has no certificate\. /],
  ['a key where the certificate should be', { cert: pair.key }, /^TLS_CERT: \S+cert\.pem has no certificate\. /],
  ['half of a certificate', { cert: pair.cert.slice(0, 200) }, /^TLS_CERT: \S+cert\.pem has no certificate\. /],
  ['no key', { key: 'nothing' }, /^TLS_KEY: \S+key\.pem has no readable private key/],
  ['a certificate where the key should be', { key: pair.cert }, /^TLS_KEY: \S+key\.pem has no readable private key/],
  ['a key under a passphrase', { key: locked }, /^TLS_KEY: \S+key\.pem has no readable private key/],
])('%s is an error in one line without contents of the files', (_, files, message) => {
  expect(() => read(files)).toThrow(message);
  try {
    read(files);
  } catch (error) {
    const { message: line, cause } = error as Error;
    expect([line.includes('\n'), cause]).toEqual([false, undefined]);
    expect(line).not.toContain(pair.key.slice(30, 60));
  }
});

test('names the variable of a missing file', () => {
  const { TLS_CERT, TLS_KEY } = writeCertificate(dir, pair);
  expect(() => readCertificate({ cert: `${TLS_CERT}.gone`, key: TLS_KEY })).toThrow(
    `TLS_CERT: ${TLS_CERT}.gone does not exist. Give the path of a file that this process may read.`,
  );
  expect(() => readCertificate({ cert: TLS_CERT, key: dir })).toThrow(`TLS_KEY: ${dir} is a directory.`);
});
