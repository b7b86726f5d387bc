import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span in OTLP's JSON. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly start: bigint;
  readonly end: bigint;
}

export interface Collector {
  readonly endpoint: string;
  /** Everything that arrived, unchanged. */
  readonly bodies: readonly string[];
  readonly headers: readonly IncomingHttpHeaders[];
  readonly paths: readonly string[];
  spans(): Span[];
  /** Attributes of the service that sent the first span. */
  resource(): Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

/** A collector for OTLP over HTTP in JSON. `silent`: it accepts connections but never responds. */
export async function startCollector({ silent = false } = {}): Promise<Collector> {
  const bodies: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      bodies.push(body);
      headers.push(request.headers);
      paths.push(request.url ?? '');
      if (!silent) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const resources = () => bodies.flatMap((body) => JSON.parse(body).resourceSpans);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    headers,
    paths,
    spans: () =>
      resources()
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans)
        .map((span) => ({
          ...span,
          attributes: attributesOf(span.attributes),
          status: span.status?.code ?? 0,
          start: BigInt(span.startTimeUnixNano),
          end: BigInt(span.endTimeUnixNano),
        })),
    resource: () => attributesOf(resources()[0].resource.attributes),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
function attributesOf(list: any): Record<string, unknown> {
  // Each value is an object of one entry that names its type.
  return Object.fromEntries((list ?? []).map(({ key, value }: any) => [key, Object.values(value)[0]])); // oxlint-disable-line typescript/no-explicit-any -- As above.
}
