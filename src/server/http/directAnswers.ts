import type { FastifyBaseLogger } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Principal } from '../../core/auth/principal.js';
import type { Outcome } from '../../core/guard/request/outcome.js';
import type { Observer } from '../../core/observer/observer.js';
import type { Caller } from '../net/trustedProxies.js';
import type { Connections } from './connections.js';
import { endAtOnce } from './endAtOnce.js';
import { logLine, NO_PAGE } from './everyAnswer.js';
import type { SharedAddresses } from './sharedAddress.js';

interface DirectAnswersOptions {
  readonly connections: Pick<Connections, 'isLast'>;
  readonly observer: Observer;
  readonly logger: FastifyBaseLogger;
  readonly shared: SharedAddresses;
  /** Additional fields of every response: names in lower case, each followed by its value. */
  readonly fields: readonly string[];
}

/** A request whose response does not come from the framework. */
export interface DirectRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly principal: Principal;
  readonly caller: Caller;
  readonly outcome: Pick<Outcome, 'word' | 'operation'>;
  /** The time when its header had arrived, from performance.now(). */
  readonly began: number;
}

interface DirectAnswer {
  readonly status: number;
  /** Names in lower case, each followed by its value. With `content-type`, without what every response has. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** Sends responses without the framework, with what its hooks add to every response: see `addToEveryAnswer`. */
export class DirectAnswers {
  readonly #options: DirectAnswersOptions;
  readonly #every: readonly string[];

  constructor(options: DirectAnswersOptions) {
    this.#options = options;
    this.#every = [...Object.entries(NO_PAGE).flat(), ...options.fields];
  }

  send(direct: DirectRequest, { status, fields, body }: DirectAnswer): void {
    const { request, response, requestId, principal } = direct;
    const all = ['x-request-id', requestId, ...this.#every, ...fields];
    if (!fields.includes('cache-control')) {
      all.push('cache-control', principal.kind === 'anonymous' ? 'no-store' : 'private, no-store');
    }
    if (this.#options.connections.isLast(request)) all.push('connection', 'close');
    const bytes = Buffer.byteLength(body);
    all.push('content-length', String(bytes));
    response.writeHead(status, all);
    endAtOnce(response, body, bytes);
    // A caller that is gone gets no response.
    if (!response.destroyed) this.#note(direct, status);
  }

  /** Updates the metrics and the log. */
  #note(direct: DirectRequest, status: number): void {
    const { observer, logger, shared } = this.#options;
    const { requestId, caller, principal, outcome } = direct;
    const { url = '', method = '' } = direct.request;
    const ms = performance.now() - direct.began;
    observer.requestAnswered(url, status, ms);
    logLine(logger, { requestId, method, path: url, status, ms, caller, principal, outcome });
    shared.note(direct);
  }
}
