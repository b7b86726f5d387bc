import { createPrivateKey, X509Certificate } from 'node:crypto';
import { FileFault, readWholeFile } from '../../shared/files/wholeFile.js';

/** A chain of certificates takes some kilobytes. */
const MAX_BYTES = 1_000_000;

/** The paths of files in PEM. */
interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate with its private key, as TLS expects them. */
export interface Certificate {
  /** The server's certificate first, then the intermediate ones. */
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads a certificate and its key, and checks that they match. TLS itself accepts a file without a certificate, and
 * reports other errors only as `error:0B080074`.
 *
 * @throws Error that names the variable, the file and the fix, and contains no part of the key
 */
export function readCertificate(files: CertificateFiles): Certificate {
  const cert = contentOf('TLS_CERT', files.cert);
  const key = contentOf('TLS_KEY', files.key);
  const certificate = parsed(
    () => new X509Certificate(cert),
    `TLS_CERT: ${files.cert} has no certificate. Use a PEM file with the certificate and its intermediate certificates.`,
  );
  const privateKey = parsed(
    () => createPrivateKey(key),
    `TLS_KEY: ${files.key} has no readable private key. Use a PEM file without a passphrase.`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(
      `TLS_KEY: ${files.key} is not the key of the certificate in ${files.cert}. Use a matching pair, with the server's certificate first in its file.`,
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

/** Without the cause: OpenSSL's errors may contain the key. */
function parsed<T>(parse: () => T, fault: string): T {
  try {
    return parse();
  } catch {
    throw new Error(fault);
  }
}
