import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_CONTENT_TYPE } from '../metrics/metrics.js';
import { listening } from '../net/listenFault.js';
import { HEADER_TIME } from '../../core/guard/document/documentBounds.js';
import type { Scrape } from './metricsRoute.js';

/** The address of a separate metrics server. */
interface MetricsAddress {
  /** 0 selects a free port. */
  readonly port: number;
  readonly host: string;
  /** The setting that contains the host. Default: METRICS_HOST. */
  readonly hostName?: string;
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } as const;

/**
 * Serves GET /metrics without a key, on a separate address. The network must restrict who can reach it. Metrics contain
 * only numbers: no IDs, and no text from callers.
 */
export class MetricsServer {
  readonly #server: Server;
  readonly #address: MetricsAddress;

  constructor(scrape: Scrape, address: MetricsAddress) {
    this.#address = address;
    this.#server = createServer(
      { requestTimeout: HEADER_TIME, connectionsCheckingInterval: 2_000 },
      (request, response) => {
        // An unread body would keep its connection busy.
        request.resume();
        if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
          response.writeHead(404, TEXT).end('Not found. Metrics are at /metrics.\n');
          return;
        }
        scrape().then(
          (text) => response.writeHead(200, { ...TEXT, 'content-type': METRICS_CONTENT_TYPE }).end(text),
          () => response.writeHead(503, TEXT).end('Metrics are not available at the moment. Try again.\n'),
        );
      },
    );
  }

  /** @throws Error that names the wrong setting */
  async listen(): Promise<void> {
    const { port, host, hostName = 'METRICS_HOST' } = this.#address;
    const listen = new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host }, resolve);
    });
    await listening({ port, host, portName: 'METRICS_PORT', hostName }, listen);
  }

  /** The port that it listens on; null if it does not listen. */
  get port(): number | null {
    return (this.#server.address() as AddressInfo | null)?.port ?? null;
  }

  /** Closes the server and aborts running scrapes. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}
