import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { ANONYMOUS, type Principal } from '../../core/auth/principal.js';
import { Refusal } from '../../core/errors/refusal.js';
import { Refused } from '../../core/errors/refusalValue.js';
import type { LimitFields } from '../../core/limits/limitFields.js';
import { writeLimitFields } from '../../core/limits/limitHeaders.js';
import type { Assembly } from '../../assembly/assembly.js';
import type { Caller, Callers } from '../net/trustedProxies.js';
import type { Moments } from './changeMoments.js';
import type { Connections } from './connections.js';
import type { DirectAnswers } from './directAnswers.js';
import type { EarlyRefusals } from './earlyRefusals.js';
import { isEncrypted } from './everyAnswer.js';
import type { KnownRequests } from './knownRequests.js';

interface BeforeRoutingOptions {
  readonly latchkey: Pick<Assembly, 'judge' | 'usedUp'>;
  /** The paths whose POST requests are authenticated here. */
  readonly paths: readonly string[];
  /** Leaves requests over plain HTTP to the framework, which refuses them. */
  readonly requireHttps: boolean;
  readonly callers: Callers;
  readonly connections: Connections;
  readonly moments: Moments;
  readonly refusals: EarlyRefusals;
  readonly answers: DirectAnswers;
  readonly known: KnownRequests;
}

/** The result of the authentication of a request that is passed on. */
interface Admitted {
  readonly principal: Principal;
  /** By {@link Moments}. */
  readonly at: number;
}

const admitted = new WeakMap<IncomingMessage, Admitted>();

/** Returns the principal of a request that was authenticated before routing, within this turn of the event loop; else null. */
export function admittedBefore(request: IncomingMessage, moments: Moments): Principal | null {
  const found = admitted.get(request);
  if (found === undefined || found.at === moments.now) return found?.principal ?? null;
  admitted.delete(request);
  return null;
}

/** Returns whether {@link admittedBefore} returned a principal, whose limits were then checked, too. */
export function wasAdmittedBefore(request: IncomingMessage): boolean {
  return admitted.has(request);
}

/**
 * Authenticates requests with a credential before the framework sees them, and answers refusals and known operations straight away:
 * its request, reply, routing and hooks take several times as long as the check of a key, and a flood of wrong keys causes thousands
 * of refusals a second. Call it once, before the server listens.
 */
export function authenticateFirst(server: Server, options: BeforeRoutingOptions): void {
  const listeners = server.listeners('request') as RequestListener[];
  const serve: RequestListener = (request, response) => {
    for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  };
  const first = new BeforeRouting(options);
  server.removeAllListeners('request');
  server.on('request', (request, response) => first.handle(request, response, serve));
}

class BeforeRouting {
  readonly #options: BeforeRoutingOptions;
  readonly #paths: ReadonlySet<string>;

  constructor(options: BeforeRoutingOptions) {
    this.#options = options;
    this.#paths = new Set(options.paths);
  }

  handle(request: IncomingMessage, response: ServerResponse, serve: RequestListener): void {
    const { latchkey, callers, connections, requireHttps } = this.#options;
    // While the server is stopping, hooks may have to close the connection.
    if (!this.#concerns(request) || connections.isLeaving || !connections.arrived(request, response)) {
      serve(request, response);
      return;
    }
    const began = performance.now();
    const caller = callers.callerOf(request, isEncrypted(request.socket));
    if (requireHttps && !caller.https) {
      serve(request, response);
      return;
    }
    const refuse = (refused: Refused | Refusal, principal: Principal): void => {
      if (connections.isLeaving) serve(request, response);
      else this.#refuse(request, response, { refused, principal, caller, began });
    };
    const fail = (error: unknown, principal: Principal = ANONYMOUS): void => {
      if (error instanceof Refusal) refuse(error, principal);
      else serve(request, response);
    };
    const settle = (judged: Principal | Refused): void => {
      if (judged instanceof Refused) refuse(judged, ANONYMOUS);
      else admit(judged);
    };
    const admit = (principal: Principal): void => {
      try {
        const usedUp = latchkey.usedUp(principal);
        if (usedUp !== null) {
          refuse(usedUp, principal);
          return;
        }
      } catch (error) {
        fail(error, principal);
        return;
      }
      const at = this.#options.moments.now;
      this.#options.known.handle({ request, response, principal, caller, at, began }, () => {
        admitted.set(request, { principal, at });
        serve(request, response);
      });
    };
    try {
      const { headers, rawHeaders } = request;
      const judged = latchkey.judge({ headers, rawHeaders, ip: caller.address });
      if (judged instanceof Promise) void judged.then(settle, fail);
      else settle(judged);
    } catch (error) {
      fail(error);
    }
  }

  /** Pages of other origins need further header fields, which the framework adds. */
  #concerns({ method, url = '', headers }: IncomingMessage): boolean {
    if (method !== 'POST' || headers.origin !== undefined || !this.#paths.has(url)) return false;
    return headers.authorization !== undefined || headers['x-api-key'] !== undefined;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, refusedRequest: RefusedRequest): void {
    const { refusals, answers } = this.#options;
    const { refused, principal, caller, began } = refusedRequest;
    const requestId = randomUUID();
    const { status, fields, body } = refusals.prepare(refused, requestId);
    const outcome = { word: refused.details.code, operation: null };
    const send = (limits: LimitFields | null): void => {
      const own = limits === null ? fields : withLimits(fields, limits);
      answers.send({ request, response, requestId, principal, caller, outcome, began }, { status, fields: own, body });
    };
    const limits = refusals.limitFields(principal);
    if (limits instanceof Promise) void limits.then(send);
    else send(limits);
  }
}

interface RefusedRequest {
  readonly refused: Refused | Refusal;
  readonly principal: Principal;
  readonly caller: Caller;
  /** The time, from performance.now(). */
  readonly began: number;
}

function withLimits(fields: readonly string[], limits: LimitFields): string[] {
  const all = [...fields];
  writeLimitFields(limits, (name, value) => {
    if (!fields.includes(name)) all.push(name, value);
  });
  return all;
}
