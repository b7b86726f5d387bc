import { request, type Agent } from 'node:http';

/** A response, read to its end. */
export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Sends JSON by POST. This takes half of the CPU time of `fetch` with its streams, and tests send tens of thousands of
 * requests.
 */
export function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  agent: Agent,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      agent,
      method: 'POST',
      headers: { accept: '*/*', 'user-agent': 'node', 'content-type': 'application/json', ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response.rawHeaders), text }),
      );
    });
    sent.end(body);
  });
}

/** @param raw names and values, alternating */
function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i] ?? '', raw[i + 1] ?? '');
  return headers;
}
