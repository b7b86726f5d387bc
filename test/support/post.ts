import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';

/** A response on a separate connection. */
export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
  readonly body: any;
  readonly requestId: string;
}

/** Sends a request without its end. @returns a function that sends the rest and resolves with the response */
export async function begin(url: string, query: string, token: string): Promise<() => Promise<Asked>> {
  const body = JSON.stringify({ query });
  const sent = open(url, { ...headersOf(token), 'content-length': String(body.length), expect: '100-continue' });
  const answer = answerTo(sent);
  sent.flushHeaders();
  await Promise.race([once(sent, 'continue'), answer]);
  return () => {
    sent.end(body);
    return answer;
  };
}

/** Sends an operation by POST on a separate connection. */
export function post(url: string, query: string, token?: string): Promise<Asked> {
  const sent = open(url, headersOf(token));
  sent.end(JSON.stringify({ query }));
  return answerTo(sent);
}

function open(url: string, headers: Record<string, string>): ClientRequest {
  const sent = request(url, { method: 'POST', headers, agent: false });
  // If a worker is killed, its connections are closed, and one that was being passed to it stays open.
  sent.setTimeout(30_000, () => sent.destroy(new Error('There was no answer.')));
  return sent;
}

function headersOf(token?: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    connection: 'close',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

function answerTo(sent: ClientRequest): Promise<Asked> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: JSON.parse(text),
          requestId: String(response.headers['x-request-id']),
        }),
      );
    });
  });
}
