import { createPrivateKey, X509Certificate } from 'node:crypto';
import { FileFault, readWholeFile } from '../wholeFile.js';

/** A chain of certificates takes some kilobytes. */
const MAX_BYTES = 1_000_000;

/** Files in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate with its private key, as TLS takes them. */
export interface Certificate {
  /** The server's own first, then those between it and its root. */
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads a certificate and its key, and holds them to each other. By hand, for TLS itself takes a file without a
 * certificate in it, and says of others no more than `error:0B080074`.
 *
 * @throws Error that names the variable, the file and what to do; nothing of the key is in it
 */
export function readCertificate(files: CertificateFiles): Certificate {
  const cert = contentOf('TLS_CERT', files.cert);
  const key = contentOf('TLS_KEY', files.key);
  const certificate = parsed(
    () => new X509Certificate(cert),
    `TLS_CERT: ${files.cert} holds no certificate. Give the file of one in PEM, with those between it and its root.`,
  );
  const privateKey = parsed(
    () => createPrivateKey(key),
    `TLS_KEY: ${files.key} holds no private key that can be read. Give the file of one in PEM, without a passphrase.`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(
      `TLS_KEY: ${files.key} is not the key of the certificate in ${files.cert}. Give the two that belong together, the server's own certificate first in its file.`,
    );
  }
  return { cert, key };
}

function contentOf(variable: string, file: string): Buffer {
  try {
    return readWholeFile(file, MAX_BYTES);
  } catch (cause) {
    const what = cause instanceof FileFault ? cause.message : 'cannot be read';
    throw new Error(`${variable}: ${file} ${what}. Give the path of a file that this process may read.`, { cause });
  }
}

/** Without the cause: OpenSSL's errors may hold what they failed on. */
function parsed<T>(parse: () => T, fault: string): T {
  try {
    return parse();
  } catch {
    throw new Error(fault);
  }
}
