import { request } from 'node:http';

/** An error of a response. */
export interface AnsweredError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A response to an operation. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. Fields that were sent twice are joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** null if the body is not JSON, or not an object. */
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly errors?: readonly AnsweredError[];
  } | null;
}

export interface Sent {
  readonly method?: string;
  /** Pairs, so that a field can be sent twice. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** How long a server may take to respond, in ms. */
const DEADLINE = 30_000;

/** Sends a request on a separate connection, so that a server can close at once. */
export function send(url: string, { method = 'GET', headers = [], body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fields = [...headers, ['host', new URL(url).host], ['connection', 'close']] as [string, string][];
    if (body !== undefined) fields.push(['content-length', String(Buffer.byteLength(body))]);
    // In this form, Node sends a field twice that is listed twice.
    const outgoing = request(url, { method, agent: false, headers: fields.flat() });
    outgoing.setTimeout(DEADLINE, () => outgoing.destroy(new Error(`No response to ${method} in ${DEADLINE} ms.`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const found = Object.entries(response.headers).map(
          ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)] as const,
        );
        resolve({ status: response.statusCode ?? 0, headers: new Map(found), text, body: objectIn(text) });
      });
    });
    outgoing.end(body);
  });
}

function objectIn(text: string): Answer['body'] {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
