import { request, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { TestCertificate } from './certificate.js';

export interface TlsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
}

/** Sends an operation over TLS on a new connection. @throws Error if the server has another certificate */
export function askOverTls(
  url: string,
  { cert }: TestCertificate,
  query: string,
  { token, headers = {} }: { readonly token: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<TlsAnswer> {
  const fields = { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers };
  const options: RequestOptions = { method: 'POST', headers: fields, ca: cert, agent: false };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text) as unknown }),
      );
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ query }));
  });
}
